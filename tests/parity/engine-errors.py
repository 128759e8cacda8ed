#!/usr/bin/env python3
"""The engine's errors beside PyTorch's: logits and all gradients, in float32 and bf16, each against PyTorch in float64.

usage: engine-errors.py [--dtype float32|bf16]...

A grid of random models (heads of 12, 32 and 64, odd widths) and of lengths (1, 2, 97, 511, 512). One batch goes through
nn/cpu by way of engine-dump.c, and through transformers in float64, and in the dtype (bf16: as autocast does it). For each
tensor the largest error counts: ours may be twice PyTorch's, or 4 units in the last place of the tensor's largest number in
that dtype. BERTPIPE_BF16 and BERTPIPE_KERNELS choose what is compared. Exit status 1 when a tensor is farther off.
"""

import argparse
import subprocess
import sys

import numpy
import torch
import transformers

import common

FACTOR, UNITS = 2, 4
UNIT = {"float32": 2.0**-23, "bf16": 2.0**-7}
SHAPES = [(64, 2, 96, 2), (64, 1, 130, 2), (36, 3, 50, 3), (128, 2, 512, 2), (384, 12, 1536, 1)]  # hidden, heads, inner, layers
LENGTHS = [[1], [511], [512], [1, 2, 17, 96, 97, 33]]


def write_model(folder, hidden, heads, inner, layers):
    torch.manual_seed(hidden + heads)
    config = transformers.BertConfig(
        vocab_size=200, hidden_size=hidden, num_attention_heads=heads, intermediate_size=inner, num_hidden_layers=layers,
        num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():  # wider than a fresh model, so that attention and GELU do more than next to nothing
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(std=0.08)
    model.save_pretrained(folder)
    return model.config.vocab_size


def ours(program, model, dtype, lengths):
    done = subprocess.run([program, model, dtype, *map(str, lengths)], check=True, stdout=subprocess.PIPE)
    head, _, data = done.stdout.partition(b"\n\n")
    numbers, at, found = numpy.frombuffer(data, dtype="<f4").astype(float), 0, {}
    for line in head.decode().splitlines():
        name, count = line.split()
        found[name] = numbers[at : at + int(count)]
        at += int(count)
    assert at == len(numbers)
    return found


def theirs(folder, vocabulary, lengths, dtype):
    """dtype: float64, float32 or bf16. One sequence at a time: no padding."""
    model = transformers.BertForSequenceClassification.from_pretrained(folder)
    model = model.double() if dtype == "float64" else model
    logits, token = [], 0
    for s, length in enumerate(lengths):
        ids = torch.tensor([[1 + (token + i) * 7919 % (vocabulary - 1) for i in range(length)]])
        token += length
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            output = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.tensor([s % 3]))
        (output.loss / len(lengths)).backward()
        logits.append(output.logits.detach().double().numpy().ravel())
    found = {"logits": numpy.concatenate(logits)}
    for name, parameter in model.named_parameters():
        found[name] = parameter.grad.double().numpy().ravel()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dtype", action="append", choices=list(UNIT))
    arguments = parser.parse_args()
    failed = compared = 0
    worst = {}
    with common.workspace("engine-errors") as folder:
        program = common.compile_program("engine-dump.c", folder)
        for shape in SHAPES:
            vocabulary = write_model(folder / "model", *shape)
            for lengths in LENGTHS:
                exact = theirs(folder / "model", vocabulary, lengths, "float64")
                for dtype in arguments.dtype or list(UNIT):
                    mine, peer = ours(program, folder / "model", dtype, lengths), theirs(folder / "model", vocabulary, lengths, dtype)
                    assert mine.keys() == exact.keys()
                    for name, true in exact.items():
                        error, allowed = abs(mine[name] - true).max(), abs(peer[name] - true).max()
                        limit = max(FACTOR * allowed, UNITS * UNIT[dtype] * abs(true).max())
                        compared += 1
                        share = error / limit if limit else float(error > 1e-12)
                        worst[dtype] = max(worst.get(dtype, (0, "")), (share, f"{shape} {lengths} {name}"))
                        if share > 1:
                            failed += 1
                            print(f"{dtype} {shape} {lengths} {name}: off by {error:.3g}, PyTorch by {allowed:.3g}, largest {abs(true).max():.3g}")
    for dtype, (share, where) in worst.items():
        print(f"{dtype}: at most {share:.2f} of what is allowed: {where}")
    print(f"{compared} tensors compared, {failed} too far off")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
