#!/usr/bin/env python3
"""The losses of 100 training steps of three problems against transformers' Trainer: 20 classes, several labels, numbers.

usage: tasks.py [--steps 100] [--records 800] [TASK]...

The texts are made up of words of topics: which topic most words are of is the class (of 20), which of six topics occur are
the labels, and how many words are of a good topic rather than a bad one gives the number, with noise. Both sides start from
one model folder (the demo's pretrained model and the classifier that bert-train initialises), train without dropout on the
same token ids in the order that the seed gives, and go by the problem_type that bert-train wrote. Prints the largest
relative difference; exit status 1 when one is above 1e-3, or when the model's predictions are other than transformers' of
the same folder by more than 1e-4.
"""

import argparse
import json
import random
import sys

import torch
import transformers

import common

TOLERANCE = 1e-3
RATE, BATCH, SEED, LENGTH = 1e-4, 16, 42, 40
WORDS = (
    "river mountain engine doctor music garden winter battle school money ocean painting horse kitchen planet letter "
    "market dancer soldier castle farmer island bridge camera window forest rocket teacher church desert hotel village "
    "lawyer guitar airport prison hospital museum factory theater"
).split()
TOPICS = [WORDS[i : i + 2] for i in range(0, 40, 2)]


def words(generator, topics, count):
    return [generator.choice(TOPICS[topic]) for topic in generator.choices(topics, k=count)]


def classes(generator):
    topic = generator.randrange(20)
    found = words(generator, [topic], 6) + words(generator, range(20), 6)
    return found, f"topic-{topic:02}"


def several(generator):
    topics = [topic for topic in range(6) if generator.random() < 0.4]
    found = [word for topic in topics for word in words(generator, [topic], 2)] + words(generator, range(10, 20), 6)
    return found, [f"topic-{topic}" for topic in topics]


def numbers(generator):
    good = generator.randrange(9)
    return words(generator, [0], good) + words(generator, [1], 8 - good) + words(generator, range(2, 20), 4), round(good / 2 + generator.gauss(0, 1), 3)


TASKS = {"classes": classes, "several": several, "numbers": numbers}


def write_tokens(task, model, count, folder):
    """A labelled tokens stream; several labels and numbers by the same way that a user goes, JSON lines."""
    generator, lines, tokens = random.Random(task), folder / f"{task}.jsonl", folder / f"{task}.mp"
    with open(lines, "w") as file:
        for _ in range(count):
            found, label = TASKS[task](generator)
            generator.shuffle(found)
            print(json.dumps({"text": " ".join(found), "label": label}), file=file)
    common.run("rec-load", "-F", "jsonl", lines, stdout=folder / "text.mp")
    common.run("wp-tokenize", "-m", model, "-L", LENGTH, stdin=folder / "text.mp", stdout=tokens)
    return tokens


def targets(task, label, names):
    if task == "classes":
        return names.index(label)
    if task == "several":
        return [float(name in label) for name in names]
    return [float(label)]


def examples(task, tokens, names):
    """The records as a Trainer's data set."""
    found = []
    for header, items in common.segments(tokens):
        known = header.get("labels")
        for record in items:
            label = record["label"]
            if known and task == "classes" and isinstance(label, int):
                label = known[label]
            if known and task == "several":
                label = [known[item] if isinstance(item, int) else item for item in label]
            ids = memoryview(record["ids"]).cast("H").tolist()
            found.append({"input_ids": ids, "labels": targets(task, label, names)})
    return found


class Recorder(transformers.Trainer):
    """Keeps every step's loss, which the logs round."""

    def __init__(self, **more):
        super().__init__(**more)
        self.losses = []

    def training_step(self, *positional, **named):
        loss = super().training_step(*positional, **named)
        self.losses.append(loss.item())
        return loss


def with_trainer(arguments, model, data, folder):
    settings = transformers.TrainingArguments(
        output_dir=folder / "theirs", per_device_train_batch_size=BATCH, max_steps=arguments.steps, warmup_steps=10,
        learning_rate=RATE, weight_decay=0.01, logging_strategy="no", save_strategy="no", report_to=[], use_cpu=True,
        seed=SEED, disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = Recorder(model=model, args=settings, train_dataset=data, data_collator=common.collate)
    trainer.train()
    return trainer.losses


def with_bert_train(arguments, start, tokens, folder):
    metrics = folder / "metrics.mp"
    common.run(
        "bert-train", "-m", start, "-o", folder / "ours", "--dropout", 0, "--seed", SEED, "-b", BATCH, "--max-steps",
        arguments.steps, "--warmup-steps", 10, "--learning-rate", RATE, "--logging-steps", 1, "--save-strategy", "no",
        stdin=tokens, stdout=metrics,
    )  # fmt: skip
    return [values["loss"] for _, values in common.metrics(metrics) if "loss" in values]


def prediction_difference(task, tokens, data, folder):
    """Between bert-predict and transformers on the trained model."""
    common.run("bert-predict", "-m", folder / "ours", stdin=tokens, stdout=folder / "predictions.mp")
    logits = common.predict(common.load_reference(folder / "ours"), data)
    if task == "numbers":
        ours = torch.tensor([[record["label"]] for record in common.records(folder / "predictions.mp")])
        return (ours - logits).abs().max().item()
    ours = torch.tensor([record["probs"] for record in common.records(folder / "predictions.mp")])
    return (ours - (torch.softmax(logits, 1) if task == "classes" else torch.sigmoid(logits))).abs().max().item()


def compare(arguments, task):
    with common.workspace(f"tasks-{task}") as folder:
        tokens = write_tokens(task, common.demo_model(), arguments.records, folder)
        common.start_model(common.demo_model(), tokens, folder / "start", SEED)
        model = common.load_reference(folder / "start", dropout=0.0)
        names = [model.config.id2label[i] for i in range(model.config.num_labels)]
        data = examples(task, tokens, names)
        ours = with_bert_train(arguments, folder / "start", tokens, folder)
        theirs = with_trainer(arguments, model, data, folder)
        if len(ours) != arguments.steps or len(theirs) != arguments.steps:
            sys.exit(f"tasks.py: {len(ours)} and {len(theirs)} steps, not {arguments.steps}")
        worst = max(abs(a - b) / b for a, b in zip(ours, theirs))
        apart = prediction_difference(task, tokens, data, folder)
    print(
        f"{task}: {model.config.problem_type}, {len(names)} labels: loss of {arguments.steps} steps, {theirs[0]:.6f} to "
        f"{theirs[-1]:.6f}: largest relative difference {worst:.2e}; predictions differ by {apart:.2e}",
        flush=True,
    )
    return worst <= TOLERANCE and apart <= 1e-4 and ours[-1] < ours[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--records", type=int, default=800)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=", ".join(TASKS))
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    results = [compare(arguments, task) for task in arguments.tasks or TASKS]
    sys.exit(0 if all(results) else 1)


main()
