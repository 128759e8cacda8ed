#!/usr/bin/env python3
"""One optimiser step in one, two and four batches, with dropout: 16x1, 8x2 and 4x4 are the same run.

usage: accumulation.py [--archive FILE] [--steps 100] [--length 128] [--warmup N]

Trains the demo's pretrained model three times and compares the gradient's norm of every step, the weights after the last
(attention's key biases aside: their gradient is zero but for rounding, which AdamW turns into whole steps) and, computed
by transformers, the logits of 100 test reviews. Exit status 1 when they differ by more than 1e-5 (of the norm), 1e-5 and
1e-4.
"""

import argparse
import sys

import safetensors.torch
import torch
import transformers

import common

SPLITS = [(16, 1), (8, 2), (4, 4)]


def train(arguments, model, tokens, folder, batch, accumulation):
    """Gradient norms and the folder of the model."""
    output, metrics = folder / f"{batch}x{accumulation}", folder / f"{batch}x{accumulation}.mp"
    common.run(
        "bert-train", "-m", model, "-o", output, "-b", batch, "-a", accumulation, "--dropout", 0.1, "--max-steps",
        arguments.steps, "--warmup-steps", arguments.warmup, "--logging-steps", 1, "--save-strategy", "no",
        stdin=tokens, stdout=metrics,
    )  # fmt: skip
    return [values["grad_norm"] for _, values in common.metrics(metrics) if "grad_norm" in values], output


def weights(folder):
    return {
        name: tensor
        for name, tensor in safetensors.torch.load_file(folder / "model.safetensors").items()
        if not name.endswith("attention.self.key.bias")
    }


def largest_difference(a, b):
    return max((tensor - b[name]).abs().max().item() for name, tensor in a.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--archive", default=common.SAMPLE, help="default: the bundled reviews")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--warmup", type=int, default=500)
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    good = True
    with common.workspace("accumulation") as folder:
        model, tokens, test = common.demo_model(), folder / "train.mp", folder / "test.mp"
        common.tokenise(model, tokens, "train", arguments.length, arguments.archive, 16 * arguments.steps)
        common.tokenise(model, test, "test", arguments.length, arguments.archive, 100)
        reviews, whole = common.examples(test), None
        for batch, accumulation in SPLITS:
            norms, output = train(arguments, model, tokens, folder, batch, accumulation)
            if len(norms) != arguments.steps:
                sys.exit(f"accumulation.py: {len(norms)} steps, not {arguments.steps}")
            found = norms, weights(output), common.predict(common.load_reference(output), reviews)
            whole = whole or found
            norm = max(abs(a - b) / b for a, b in zip(found[0], whole[0]))
            weight = largest_difference(found[1], whole[1])
            logit = (found[2] - whole[2]).abs().max().item()
            good = good and norm <= 1e-5 and weight <= 1e-5 and logit <= 1e-4
            print(f"{batch}x{accumulation}: largest differences from 16x1: gradient norm {norm:.2e} of itself, "
                  f"weights {weight:.2e}, logits {logit:.2e}", flush=True)  # fmt: skip
    sys.exit(0 if good else 1)


with torch.no_grad():
    main()
