#!/usr/bin/env python3
"""Loss and gradient norm of each training step against transformers' Trainer, in float32, without dropout.

usage: loss-curve.py [--archive FILE] [--steps 200] [--reviews 2000] [--length 128] [--warmup N]... [--variant NAME]

Both start from one model folder (the demo's pretrained model and the classifier that bert-train initialises) and train on
the same token ids in the order that the seed gives, once for each warmup (500 and 20). With 2,000 reviews and a batch of
16, 200 steps reach the second epoch. A variant changes the optimiser, the loss or what is trained, as VARIANTS says. Prints the largest relative differences; exit status 1 when one is above 1e-4.
"""

import argparse
import sys

import torch
import transformers

import common

TOLERANCE = 1e-4
RATE, DECAY, BATCH, SEED = 5e-5, 0.01, 16, 42

FROZEN = ("bert.embeddings.", "bert.encoder.layer.0.", "bert.encoder.layer.1.")
CLASS_WEIGHTS = [0.5, 2.0]

# bert-train's options and TrainingArguments' fields; what they do not have is done to the Trainer below.
VARIANTS = {
    "plain": ([], {}),
    "sgd": (["--optim", "sgd", "--learning-rate", 0.02], {"optim": "sgd", "learning_rate": 0.02}),
    "smoothing": (["--label-smoothing-factor", 0.1], {"label_smoothing_factor": 0.1}),
    "cosine": (["--lr-scheduler-type", "cosine"], {"lr_scheduler_type": "cosine"}),
    "accumulation": (["-b", 4, "-a", 4], {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}),
    "adam": (["--adam-beta1", 0.8, "--adam-beta2", 0.99, "--adam-epsilon", 1e-6, "--weight-decay", 0.1],
             {"adam_beta1": 0.8, "adam_beta2": 0.99, "adam_epsilon": 1e-6, "weight_decay": 0.1}),
    "frozen": (["--freeze", 2], {}),
    "weighted": (["--class-weights", ",".join(map(str, CLASS_WEIGHTS))], {}),
    "layerwise": (["--layerwise-lr-decay", 0.8], {}),
}  # fmt: skip


def with_bert_train(arguments, warmup, start, tokens, folder):
    """[(loss, gradient norm)] of each step."""
    metrics = folder / f"metrics-{warmup}.mp"
    common.run(
        "bert-train", "-m", start, "-o", folder / f"ours-{warmup}", "--dropout", 0, "--seed", SEED,
        "--per-device-train-batch-size", BATCH, "--max-steps", arguments.steps, "--warmup-steps", warmup,
        "--learning-rate", RATE, "--weight-decay", DECAY, "--logging-steps", 1, "--save-strategy", "no",
        *VARIANTS[arguments.variant][0], stdin=tokens, stdout=metrics,
    )  # fmt: skip
    return [(v["loss"], v["grad_norm"]) for _, v in common.metrics(metrics) if "grad_norm" in v]


class Recorder(transformers.Trainer):
    """Keeps every step's loss, which the logs round, and gradient norm."""

    def __init__(self, **more):
        super().__init__(**more)
        self.curve, self.losses, self.variant = [], [], "plain"

    def training_step(self, *positional, **named):
        loss = super().training_step(*positional, **named)
        self.losses.append(loss.item())
        return loss

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        if self.variant != "weighted":
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = torch.nn.functional.cross_entropy(outputs.logits, labels, torch.tensor(CLASS_WEIGHTS))
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, *positional, **named):
        if self.variant != "layerwise":
            return super().create_optimizer(*positional, **named)
        layers = self.model.config.num_hidden_layers
        decayed = set(self.get_decay_parameter_names(self.model))
        groups = []
        for name, parameter in self.model.named_parameters():
            parts = name.split(".")
            block = int(parts[3]) + 1 if "layer" in parts else 0 if "embeddings" in parts else layers + 1
            groups.append({"params": [parameter], "weight_decay": DECAY if name in decayed else 0.0,
                           "lr": RATE * 0.8 ** (layers + 1 - block)})  # fmt: skip
        self.optimizer = torch.optim.AdamW(groups, lr=RATE)
        return self.optimizer

    def log(self, logs, *positional, **named):
        if "grad_norm" in logs:
            self.curve.append((sum(self.losses), float(logs["grad_norm"])))
            self.losses = []


def with_trainer(arguments, warmup, start, tokens, folder):
    settings = transformers.TrainingArguments(
        output_dir=folder / f"theirs-{warmup}",
        max_steps=arguments.steps,
        warmup_steps=warmup,
        **({"per_device_train_batch_size": BATCH, "learning_rate": RATE, "weight_decay": DECAY} | VARIANTS[arguments.variant][1]),
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        seed=SEED,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    model = common.load_reference(start, dropout=0.0)
    if arguments.variant == "frozen":
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not name.startswith(FROZEN)
    trainer = Recorder(
        model=model,
        args=settings,
        train_dataset=common.examples(tokens),
        data_collator=common.collate,
    )
    trainer.variant = arguments.variant
    # BERT's forward swallows num_items_in_batch, from which the Trainer concludes that the loss is divided by it and
    # leaves out its own division by the accumulation steps: gradients would be four times too large.
    trainer.model_accepts_loss_kwargs = False
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
            f"{arguments.variant}, warmup {warmup}: {name} of {arguments.steps} steps, {theirs[0][column]:.6f} to "
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
    parser.add_argument("--variant", choices=VARIANTS, default="plain")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    with common.workspace("loss-curve") as folder:
        model, start, tokens = common.demo_model(), folder / "start", folder / "train.mp"
        common.tokenise(model, tokens, "train", arguments.length, arguments.archive, arguments.reviews)
        common.start_model(model, tokens, start, SEED)
        results = [compare(arguments, w, start, tokens, folder) for w in arguments.warmup or [500, 20]]
    sys.exit(0 if all(results) else 1)


main()
