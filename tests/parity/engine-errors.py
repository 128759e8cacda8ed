#!/usr/bin/env python3
"""The engine's errors beside PyTorch's: logits and all gradients, in float32, bf16 and int8, each against PyTorch in float64.

usage: engine-errors.py [--dtype float32|bf16|int8]...

A grid of shapes (heads of 12, 32 and 64, odd widths) and of lengths (1, 2, 97, 511, 512), and of each shape several models
with random weights. One batch goes through nn/cpu by way of engine-dump.c, and through transformers in float64, and in the
dtype (bf16: as autocast does it; int8: as quantize_dynamic does it, logits alone). For each tensor the largest error over
the models counts: ours may be twice PyTorch's, or, but for int8, 4 units in the last place of the tensor's largest number
in that dtype. (Of one model, a tensor of few numbers has a largest error that is a matter of luck.) BERTPIPE_BF16,
BERTPIPE_INT8 and BERTPIPE_KERNELS choose what is compared. Exit status 1 when a tensor is farther off.
"""

import argparse
import collections
import subprocess
import sys

import numpy
import torch
import transformers

import common

FACTOR, UNITS = 2, 4
UNIT = {"float32": 2.0**-23, "bf16": 2.0**-7, "int8": 0}
SHAPES = [(64, 2, 96, 2), (64, 1, 130, 2), (36, 3, 50, 3), (128, 2, 512, 2), (384, 12, 1536, 1)]  # hidden, heads, inner, layers
LENGTHS = [[1], [511], [512], [1, 2, 17, 96, 97, 33]]
MODELS = 4


def write_model(folder, seed, hidden, heads, inner, layers):
    torch.manual_seed(seed)
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
    """dtype: float64, float32, bf16 or int8. One sequence at a time: no padding."""
    model = transformers.BertForSequenceClassification.from_pretrained(folder)
    model = model.double() if dtype == "float64" else model
    if dtype == "int8":
        torch.ao.quantization.quantize_dynamic(model.bert.encoder, {torch.nn.Linear}, torch.qint8, inplace=True)
    logits, token = [], 0
    for s, length in enumerate(lengths):
        ids = torch.tensor([[1 + (token + i) * 7919 % (vocabulary - 1) for i in range(length)]])
        token += length
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            output = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.tensor([s % 3]))
        if dtype != "int8":
            (output.loss / len(lengths)).backward()
        logits.append(output.logits.detach().double().numpy().ravel())
    found = {"logits": numpy.concatenate(logits)}
    for name, parameter in model.named_parameters() if dtype != "int8" else ():
        found[name] = parameter.grad.double().numpy().ravel()
    return found


class Errors:
    """A tensor's largest errors, and its largest number, over the models."""

    def __init__(self):
        self.ours = self.theirs = self.largest = 0

    def add(self, ours, theirs, exact):
        self.ours = max(self.ours, abs(ours - exact).max())
        self.theirs = max(self.theirs, abs(theirs - exact).max())
        self.largest = max(self.largest, abs(exact).max())

    def share(self, dtype):
        """Of the error that is allowed."""
        limit = max(FACTOR * self.theirs, UNITS * UNIT[dtype] * self.largest)
        return self.ours / limit if limit else float(self.ours > 1e-12)


def compare(program, folder, shape, dtypes):
    """The errors of a shape's tensors by type, lengths and name."""
    errors = collections.defaultdict(Errors)
    for seed in range(MODELS):
        vocabulary = write_model(folder, seed, *shape)
        for lengths in LENGTHS:
            exact = theirs(folder, vocabulary, lengths, "float64")
            for dtype in dtypes:
                mine, peer = ours(program, folder, dtype, lengths), theirs(folder, vocabulary, lengths, dtype)
                assert mine.keys() == peer.keys()
                for name, value in mine.items():
                    errors[dtype, str(lengths), name].add(value, peer[name], exact[name])
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dtype", action="append", choices=list(UNIT))
    dtypes = parser.parse_args().dtype or list(UNIT)
    failed = compared = 0
    worst = dict.fromkeys(dtypes, (0, ""))
    with common.workspace("engine-errors") as folder:
        program = common.compile_program("engine-dump.c", folder)
        for shape in SHAPES:
            for (dtype, lengths, name), found in compare(program, folder / "model", shape, dtypes).items():
                share, what = found.share(dtype), f"{shape} {lengths} {name}"
                worst[dtype] = max(worst[dtype], (share, what))
                compared += 1
                if share > 1:
                    failed += 1
                    print(f"{dtype} {what}: off by {found.ours:.3g}, PyTorch by {found.theirs:.3g}, largest {found.largest:.3g}")
    for dtype, (share, where) in worst.items():
        print(f"{dtype}: at most {share:.2f} of what is allowed: {where}")
    print(f"{compared} tensors compared, {failed} too far off")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
