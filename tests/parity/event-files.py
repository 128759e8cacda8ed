#!/usr/bin/env python3
"""What a run of bert-train leaves behind against what the Trainer leaves, for the same twelve steps of a tiny model.

usage: event-files.py

Event files through TensorBoard's own readers (EventFileLoader and EventAccumulator): tags, steps and values; a resumed
run's file after that of a run that was killed. trainer_state.json, train_results.json, eval_results.json and
all_results.json: keys and entries. The trained model loads in transformers in spite of its metadata. Prints one line a
comparison; exit status 1 when one fails.
"""

import json
import os
import re
import sys

import safetensors
import tensorboard.backend.event_processing.event_accumulator as accumulator
import tensorboard.backend.event_processing.event_file_loader as loader
import torch
import transformers

import common

MODEL = common.ROOT / "tests/fixtures/model/good-tiny"
EPOCHS, BATCH, RATE, WARMUP, DECAY, LOGGING, SEED = 2, 4, 1e-3, 3, 0.01, 2, 42
TOLERANCE = 1e-4
MEASURED = re.compile("runtime|per_second")  # no two runs agree on these
OURS_ALONE = {"train_tokens_per_second"}  # and scores besides the accuracy, which the Trainer is not given
GIVEN = {"loss", "accuracy", "runtime", "samples_per_second", "steps_per_second"}
FILE = re.compile(r"events\.out\.tfevents\.\d{10}\.[^/]+\.\d+\.\d+")
FOLDER = re.compile(r"[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.+")

failures = 0


def check(name, ours, theirs):
    global failures
    good = ours == theirs
    failures += not good
    print(f"{name}: {'the same' if good else f'differ{chr(10)}  ours   {ours}{chr(10)}  theirs {theirs}'}")


def is_common(name):
    """Whether the Trainer too has a value of this name (train/loss, eval_loss, loss)."""
    name = name.removeprefix("train/")
    return name not in OURS_ALONE and (name[:5] not in ("eval/", "eval_") or name[5:] in GIVEN | {"samples"})


def close(name, ours, theirs):
    """Numbers by key, within the tolerance."""
    global failures
    worst = max(abs(ours[key] - theirs[key]) / max(abs(theirs[key]), 1e-3) for key in theirs)
    failures += not worst <= TOLERANCE
    print(f"{name}: {len(theirs)} values, the largest relative difference {worst:.2g}")


# ---- the two runs ----


def make_tokens(folder):
    """Texts of one length, for the Trainer counts padding in total_flos."""
    words = "great wonderful fantastic best terrible boring worst bad film movie story plot".split()
    rows = [f"{'good' if i % 2 else 'poor'}\t{words[i % 12]} {words[i * 5 % 12]} {words[i * 7 % 11]}" for i in range(24)]
    (folder / "rows.tsv").write_text("label\ttext\n" + "\n".join(rows) + "\n")
    common.run("rec-load", "-F", "tsv", "--labels", "poor,good", stdin=folder / "rows.tsv", stdout=folder / "text.mp")
    common.run("wp-tokenize", "-m", MODEL, stdin=folder / "text.mp", stdout=folder / "tokens.mp")
    return folder / "tokens.mp"


def with_bert_train(start, tokens, output, *more):
    common.run(
        "bert-train", "-m", start, "-o", output, "--eval", tokens, "--dropout", 0, "--seed", SEED, "-n", EPOCHS,
        "-b", BATCH, "-l", RATE, "-w", WARMUP, "--weight-decay", DECAY, "--logging-steps", LOGGING,
        "--report-to", "tensorboard", *more, stdin=tokens, stdout=output.parent / f"{output.name}.mp",
    )  # fmt: skip


def with_trainer(start, tokens, output):
    data = common.examples(tokens)
    settings = transformers.TrainingArguments(
        output_dir=output, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, learning_rate=RATE,
        warmup_steps=WARMUP, weight_decay=DECAY, logging_steps=LOGGING, seed=SEED, eval_strategy="epoch",
        save_strategy="epoch", load_best_model_at_end=True, report_to="tensorboard", use_cpu=True,
        remove_unused_columns=False, disable_tqdm=True,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=common.load_reference(start, dropout=0.0),
        args=settings,
        data_collator=common.collate,
        train_dataset=data,
        eval_dataset=data,
        compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
    )
    trainer.remove_callback(transformers.PrinterCallback)
    # as run_glue.py goes on
    trained = trainer.train()
    trainer.save_metrics("train", {**trained.metrics, "train_samples": len(data)})
    trainer.save_state()
    trainer.remove_callback(transformers.integrations.TensorBoardCallback)
    trainer.save_metrics("eval", {**trainer.evaluate(), "eval_samples": len(data)})


# ---- comparisons ----


def event_files(output):
    return sorted((output / "runs").glob("*/events*"))


def read_events(path):
    """[(tag, step, value)] in the order of the file, and the file's version."""
    events, version = [], None
    for event in loader.RawEventFileLoader(str(path)).Load():
        event = loader.event_pb2.Event.FromString(event)
        version = version or event.file_version
        events += [(value.tag, event.step, value) for value in event.summary.value]
    return events, version


def compare_events(ours, theirs):
    (path,), (their_path,) = event_files(ours), event_files(theirs)
    check("name of the event file", bool(FILE.fullmatch(path.name)), bool(FILE.fullmatch(their_path.name)))
    check("name of its folder", bool(FOLDER.fullmatch(path.parent.name)), bool(FOLDER.fullmatch(their_path.parent.name)))
    events, version = read_events(path)
    their_events, their_version = read_events(their_path)
    check("version of the file", version, their_version)
    events = [event for event in events if is_common(event[0])]
    check("tags and steps", sorted(event[:2] for event in events), sorted(event[:2] for event in their_events))
    print("  " + " ".join(sorted({tag for tag, _, _ in events})))
    check("fields", {tag: v.WhichOneof("value") for tag, _, v in events}, {tag: v.WhichOneof("value") for tag, _, v in their_events})
    check("metadata", {tag: v.metadata for tag, _, v in events}, {tag: v.metadata for tag, _, v in their_events})
    scalars = [
        {(tag, step): v.simple_value for tag, step, v in found if v.WhichOneof("value") == "simple_value" and not MEASURED.search(tag)}
        for found in (events, their_events)
    ]  # fmt: skip
    close("scalars", *scalars)
    exact = [{key: value for key, value in found.items() if key[0] == "train/epoch"} for found in scalars]
    check("epochs to the last bit", *exact)


def compare_accumulated(ours, theirs):
    found = []
    for output in (ours, theirs):
        events = accumulator.EventAccumulator(str(event_files(output)[0].parent), size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()
        tags = [tag for tag in events.Tags()["scalars"] if is_common(tag)]
        found.append((sorted(tags), {tag: [s.step for s in events.Scalars(tag)] for tag in tags}, sorted(events.Tags()["tensors"])))
    check("EventAccumulator's scalars", found[0][0], found[1][0])
    check("EventAccumulator's steps", found[0][1], found[1][1])
    check("EventAccumulator's texts", found[0][2], found[1][2])


def compare_json(ours, theirs):
    state, their_state = [json.loads((output / "trainer_state.json").read_text()) for output in (ours, theirs)]
    check("keys of trainer_state.json", sorted(state), sorted(their_state))
    history, their_history = state["log_history"], their_state["log_history"]
    check("keys of log_history", [sorted(filter(is_common, e)) for e in history], [sorted(e) for e in their_history])
    flat = [
        {(i, key): value for i, entry in enumerate(entries) for key, value in entry.items() if not MEASURED.search(key)}
        for entries in (history, their_history)
    ]  # fmt: skip
    close("values of log_history", *flat)
    check("steps of log_history", [entry["step"] for entry in history], [entry["step"] for entry in their_history])
    for key in ("global_step", "max_steps", "num_train_epochs", "epoch", "logging_steps", "train_batch_size", "best_global_step"):
        check(f"{key} of trainer_state.json", state[key], their_state[key])
    for name in ("train_results.json", "eval_results.json", "all_results.json"):
        result, their_result = [json.loads((output / name).read_text()) for output in (ours, theirs)]
        check(f"keys of {name}", sorted(filter(is_common, result)), sorted(their_result))
        same = [{k: v for k, v in found.items() if not MEASURED.search(k)} for found in (result, their_result)]
        close(f"values of {name}", *same)
    best, their_best = [os.path.basename(found["best_model_checkpoint"]) for found in (state, their_state)]
    check("best_model_checkpoint", best, their_best)


def check_cut(folder, whole):
    """The file of a run that was killed ends anywhere, and reads up to there."""
    data = event_files(whole)[0].read_bytes()
    path = folder / "cut" / "events.out.tfevents.1"
    path.parent.mkdir()
    counts = []
    for size in range(len(data) - 400, len(data), 7):
        path.write_bytes(data[:size])
        counts.append(len(read_events(path)[0]))
    check("files cut anywhere are read", counts == sorted(counts) and counts[0] > 20, True)


def check_resumed(start, tokens, ours):
    """Steps that a killed run took after its last checkpoint are taken again, and appear once."""
    folder, found = event_files(ours)[0].parent, []
    for path in [ours / "bertpipe.json", *(ours / "checkpoint-12").iterdir()]:
        path.unlink()
    (ours / "checkpoint-12").rmdir()
    with_bert_train(start, tokens, ours, "--resume-from-checkpoint", "last")
    check("files of one folder", len(list(folder.iterdir())), 2)
    events = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    check("steps of both runs", [s.step for s in events.Scalars("train/loss")], list(range(LOGGING, 13, LOGGING)))
    check("evaluations of both runs", [s.step for s in events.Scalars("eval/loss")], [6, 12])


def check_model(ours):
    common.load_reference(ours)
    with safetensors.safe_open(ours / "model.safetensors", "pt") as file:
        metadata = file.metadata()
    check("format in the metadata", metadata["format"], "pt")
    check("seed in the metadata", metadata["bertpipe.seed"], str(SEED))
    check("learning rate in the metadata", json.loads(metadata["bertpipe.arguments"])["learning_rate"], RATE)
    print("  " + " ".join(sorted(metadata)))


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    with common.workspace("event-files") as folder:
        tokens = make_tokens(folder)
        start, ours, theirs = folder / "start", folder / "ours", folder / "theirs"
        common.start_model(MODEL, tokens, start, SEED)
        with_bert_train(start, tokens, ours)
        with_trainer(start, tokens, theirs)
        compare_events(ours, theirs)
        compare_accumulated(ours, theirs)
        compare_json(ours, theirs)
        check_cut(folder, ours)
        check_model(ours)
        check_resumed(start, tokens, ours)
    sys.exit(1 if failures else 0)


main()
