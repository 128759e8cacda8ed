#!/usr/bin/env python3
"""Loss and gradient norm of each training step against transformers' Trainer, in float32, without dropout.

usage: loss-curve.py [--archive FILE] [--steps 200] [--reviews 2000] [--length 128] [--warmup N]...

Both start from one model folder (the demo's pretrained model and the classifier that bert-train initialises) and train on
the same token ids in the order that the seed gives, once for each warmup (500 and 20). With 2,000 reviews and a batch of
16, 200 steps reach the second epoch. Prints the largest relative differences; exit status 1 when one is above 1e-4.
"""

import argparse
import sys

import transformers

import common

TOLERANCE = 1e-4
RATE, DECAY, BATCH, SEED = 5e-5, 0.01, 16, 42


def with_bert_train(arguments, warmup, start, tokens, folder):
    """[(loss, gradient norm)] of each step."""
    metrics = folder / f"metrics-{warmup}.mp"
    common.run(
        "bert-train", "-m", start, "-o", folder / f"ours-{warmup}", "--dropout", 0, "--seed", SEED,
        "--per-device-train-batch-size", BATCH, "--max-steps", arguments.steps, "--warmup-steps", warmup,
        "--learning-rate", RATE, "--weight-decay", DECAY, "--logging-steps", 1, "--save-strategy", "no",
        stdin=tokens, stdout=metrics,
    )  # fmt: skip
    return [(v["loss"], v["grad_norm"]) for _, v in common.metrics(metrics) if "grad_norm" in v]


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


def with_trainer(arguments, warmup, start, tokens, folder):
    settings = transformers.TrainingArguments(
        output_dir=folder / f"theirs-{warmup}",
        per_device_train_batch_size=BATCH,
        max_steps=arguments.steps,
        warmup_steps=warmup,
        learning_rate=RATE,
        weight_decay=DECAY,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        seed=SEED,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = Recorder(
        model=common.load_reference(start, dropout=0.0),
        args=settings,
        train_dataset=common.examples(tokens),
        data_collator=common.collate,
    )
    trainer.train()
    return trainer.curve


def compare(arguments, warmup, start, tokens, folder):
    ours = with_bert_train(arguments, warmup, start, tokens, folder)
    theirs = with_trainer(arguments, warmup, start, tokens, folder)
    if len(ours) != arguments.steps or len(theirs) != arguments.steps:
        sys.exit(f"loss-curve.py: {len(ours)} and {len(theirs)} steps, not {arguments.steps}")
    worst = []
    for column, name in enumerate(["loss", "gradient norm"]):
        differences = [abs(a[column] - b[column]) / abs(b[column]) for a, b in zip(ours, theirs)]
        at = differences.index(max(differences))
        worst.append(differences[at])
        print(
            f"warmup {warmup}: {name} of {arguments.steps} steps, {theirs[0][column]:.6f} to "
            f"{theirs[-1][column]:.6f}: largest relative difference {worst[-1]:.2e} "
            f"(step {at + 1}: {ours[at][column]:.9g}, Trainer {theirs[at][column]:.9g})",
            flush=True,
        )
    return max(worst) <= TOLERANCE


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--archive", default=common.SAMPLE, help="default: the bundled reviews")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=2000)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--warmup", type=int, action="append")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    with common.workspace("loss-curve") as folder:
        model, start, tokens = common.demo_model(), folder / "start", folder / "train.mp"
        common.tokenise(model, tokens, "train", arguments.length, arguments.archive, arguments.reviews)
        common.start_model(model, tokens, start, SEED)
        results = [compare(arguments, w, start, tokens, folder) for w in arguments.warmup or [500, 20]]
    sys.exit(0 if all(results) else 1)


main()
