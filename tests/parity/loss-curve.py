#!/usr/bin/env python3
"""Loss and gradient norm of each training step against transformers' Trainer, in float32, without dropout.

usage: loss-curve.py --model FOLDER [--archive FILE] [--steps N] [--reviews N] [--length N] [--warmup N]...

Gives FOLDER's model a random head, writes it with save_pretrained, and trains it with imdb-fetch | wp-tokenize |
bert-train (from PATH) and with the Trainer on the same token ids, in the same order by the same seed; once for
each warmup (500 and 20). With 2,000 reviews a batch of 16 reaches the second epoch's order.
Prints the largest relative differences; exit status 1 when one is above 1e-4.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

TOLERANCE = 1e-4
LABELS = ["negative", "positive"]
LEARNING_RATE, DECAY, BATCH, SEED = 5e-5, 0.01, 16, 42
QUIET = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def write_start(source, folder):
    torch.manual_seed(7)
    model = transformers.BertForSequenceClassification.from_pretrained(
        source, id2label=dict(enumerate(LABELS)), label2id={n: i for i, n in enumerate(LABELS)}, **QUIET
    )
    model.save_pretrained(folder)
    transformers.BertTokenizerFast.from_pretrained(source).save_pretrained(folder)


def tokenise(arguments, model, out):
    fetch = ["imdb-fetch", "-q", "-s", "train", "-n", str(arguments.reviews)]
    fetch += ["-a", arguments.archive] if arguments.archive else []
    pipe = subprocess.Popen(fetch, stdout=subprocess.PIPE)
    tokenize = ["wp-tokenize", "-q", "-L", str(arguments.length), "-m", model]
    with open(out, "wb") as file:
        subprocess.run(tokenize, stdin=pipe.stdout, stdout=file, check=True)
    if pipe.wait():
        sys.exit("loss-curve.py: imdb-fetch failed")
    pipe = subprocess.Popen(fetch, stdout=subprocess.PIPE)
    text = subprocess.run(tokenize + ["-f", "json"], stdin=pipe.stdout, stdout=subprocess.PIPE, check=True)
    pipe.wait()
    return [json.loads(line) for line in text.stdout.splitlines()]


def with_bert_train(arguments, warmup, model, tokens, out):
    command = ["bert-train", "-q", "-m", model, "-o", out, "-f", "json", "--logging-steps", "1"]
    command += ["--save-strategy", "no", "--max-steps", str(arguments.steps), "--warmup-steps", str(warmup)]
    command += ["--learning-rate", str(LEARNING_RATE), "--weight-decay", str(DECAY), "--seed", str(SEED)]
    result = subprocess.run(command + [tokens], stdout=subprocess.PIPE, check=True)
    steps = [json.loads(line)["values"] for line in result.stdout.splitlines()]
    return [(s["loss"], s["grad_norm"]) for s in steps if "grad_norm" in s]


class Recorder(transformers.Trainer):
    """Keeps every step's loss, which the logs round, and gradient norm."""

    def __init__(self, **more):
        super().__init__(**more)
        self.curve, self.last_loss = [], None

    def training_step(self, *positional, **named):
        loss = super().training_step(*positional, **named)
        self.last_loss = loss.item()
        return loss

    def log(self, logs, *positional, **named):
        if "grad_norm" in logs:
            self.curve.append((self.last_loss, float(logs["grad_norm"])))


def with_trainer(arguments, warmup, model, records, out):
    data = [
        {
            "input_ids": record["ids"],
            "attention_mask": [1] * len(record["ids"]),
            "labels": LABELS.index(record["label"]) if isinstance(record["label"], str) else record["label"],
        }
        for record in records
    ]
    tokenizer = transformers.BertTokenizerFast.from_pretrained(model)
    trainer = Recorder(
        model=transformers.BertForSequenceClassification.from_pretrained(model),
        args=transformers.TrainingArguments(
            output_dir=out, max_steps=arguments.steps, per_device_train_batch_size=BATCH, learning_rate=LEARNING_RATE,
            warmup_steps=warmup, weight_decay=DECAY, logging_steps=1, save_strategy="no", report_to=[],
            use_cpu=True, seed=SEED, disable_tqdm=True, dataloader_pin_memory=False,
        ),
        train_dataset=data,
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
    )
    trainer.train()
    return trainer.curve


def compare(arguments, warmup, folder, start, tokens, records):
    ours = with_bert_train(arguments, warmup, start, tokens, f"{folder}/ours-{warmup}")
    theirs = with_trainer(arguments, warmup, start, records, f"{folder}/theirs-{warmup}")
    if len(ours) != arguments.steps or len(theirs) != arguments.steps:
        sys.exit(f"loss-curve.py: {len(ours)} and {len(theirs)} steps, not {arguments.steps}")
    worst = []
    for column, name in enumerate(["loss", "gradient norm"]):
        differences = [abs(a[column] - b[column]) / abs(b[column]) for a, b in zip(ours, theirs)]
        worst.append(max(differences))
        at = differences.index(worst[-1])
        print(
            f"warmup {warmup}: {name} of {arguments.steps} steps from {theirs[0][column]:.6f} to "
            f"{theirs[-1][column]:.6f}: largest relative difference {worst[-1]:.2e} "
            f"(step {at + 1}: {ours[at][column]:.9g}, Trainer {theirs[at][column]:.9g})",
            flush=True,
        )
    return max(worst) <= TOLERANCE


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--archive", help="aclImdb_v1.tar.gz; default: imdb-fetch's own")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=2000)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--warmup", type=int, action="append")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        start, tokens = f"{folder}/start", f"{folder}/train.mp"
        write_start(arguments.model, start)
        records = tokenise(arguments, start, tokens)
        results = [compare(arguments, w, folder, start, tokens, records) for w in arguments.warmup or [500, 20]]
    sys.exit(0 if all(results) else 1)


main()
