#!/usr/bin/env python3
"""One measurement of PyTorch, in a process of its own, printed as JSON.

usage: reference.py train VARIANT MODEL TOKENS STEPS BATCH SEED
       reference.py predict MODEL TOKENS

train: STEPS steps on the batches that bert-train would take with this seed. VARIANT is `trainer` (transformers' Trainer with
the dropout of config.json and padding to the batch's longest), or, without dropout, a plain loop with fused AdamW:
{padded|dynamic|grouped}-{sdpa|eager}: padded to 512, to the batch's longest, or the same reviews in batches of like lengths.
Prints the losses, the real tokens of steps 2 .. STEPS, the seconds from the end of step 1 to the end of the last, and the
share of padding. predict: tokens and seconds of logits for all records, in batches of like lengths.
"""

import json
import os
import pathlib
import random
import sys
import tempfile
import time

import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "parity"))
import common  # noqa: E402

RATE, DECAY, CLIP, LENGTH = 5e-5, 0.01, 1.0, 512


def tokens_of(batch):
    return sum(len(example["input_ids"]) for example in batch)


def batches_of(data, variant, steps, size, seed):
    """The examples of each step, in bert-train's order or sorted into batches of like lengths."""
    order = common.trainer_order(len(data), seed, 0)[: steps * size]
    if variant.startswith("grouped"):
        order.sort(key=lambda i: len(data[i]["input_ids"]))
    batches = [[data[i] for i in order[start : start + size]] for start in range(0, len(order), size)]
    if variant.startswith("grouped"):
        random.Random(0).shuffle(batches)
    return batches


def parameter_groups(model):
    kept = [p for name, p in model.named_parameters() if name.endswith(".bias") or "LayerNorm" in name]
    ids = {id(p) for p in kept}
    decayed = [p for p in model.parameters() if id(p) not in ids]
    return [{"params": decayed, "weight_decay": DECAY}, {"params": kept, "weight_decay": 0.0}]


def train_loop(model, batches, width):
    """Losses, and when each step ended. The learning rate falls to zero in a line, as bert-train's."""
    optimizer = torch.optim.AdamW(parameter_groups(model), lr=RATE, fused=True)
    losses, ends = [], []
    model.train()
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / len(batches))
        loss = model(**common.collate(batch, width)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        ends.append(time.monotonic())
    return losses, ends


class Clock(transformers.TrainerCallback):
    def __init__(self):
        self.ends = []

    def on_step_end(self, *_, **__):
        self.ends.append(time.monotonic())


def train_trainer(model, data, steps, size, seed, folder):
    clock = Clock()
    arguments = transformers.TrainingArguments(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=size,
        learning_rate=RATE,
        weight_decay=DECAY,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        report_to="none",
        use_cpu=True,
        seed=seed,
    )
    trainer = transformers.Trainer(
        model, arguments, train_dataset=data, data_collator=common.collate, callbacks=[clock]
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry], clock.ends


def train(variant, model, tokens, steps, size, seed):
    data = common.examples(tokens)
    batches = batches_of(data, variant, steps, size, seed)
    width = LENGTH if variant.startswith("padded") else None
    if variant == "trainer":
        with tempfile.TemporaryDirectory() as folder:
            losses, ends = train_trainer(common.load_reference(model), data, steps, size, seed, folder)
    else:
        attention = variant.split("-")[1]
        losses, ends = train_loop(common.load_reference(model, 0.0, attention), batches, width)
    real = sum(tokens_of(batch) for batch in batches)
    computed = sum(len(batch) * (width or max(len(e["input_ids"]) for e in batch)) for batch in batches)
    return {
        "losses": losses,
        "tokens": sum(tokens_of(batch) for batch in batches[1:]),
        "seconds": ends[-1] - ends[0],
        "padding": 1 - real / computed,
    }


def predict(folder, tokens):
    data = common.examples(tokens)
    model = common.load_reference(folder)
    common.predict(model, data[:16], 16)
    started = time.monotonic()
    common.predict(model, data, 16)
    return {"tokens": tokens_of(data), "seconds": time.monotonic() - started}


def main(arguments):
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if len(arguments) == 7 and arguments[0] == "train":
        result = train(*arguments[1:4], *map(int, arguments[4:]))
    elif len(arguments) == 3 and arguments[0] == "predict":
        result = predict(*arguments[1:])
    else:
        sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
