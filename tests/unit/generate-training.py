#!/usr/bin/env python3
"""Makes tests/unit/{sampler,schedule,metrics}_expected.h: what torch, transformers and scikit-learn say.

usage: python3 tests/unit/generate-training.py
"""
import contextlib
import math
import pathlib

import numpy
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support
from transformers import get_scheduler

CLASSES = 4
ROWS = 60


def array(kind, name, values):
    text = ", ".join(str(v) if isinstance(v, int) else float(v).hex() for v in values)
    print(f"static const {kind} {name}[] = {{{text}}};")


def permutations():
    for name, seed in (("order_seed_43", 43), ("order_seed_large", 2**32 + 7)):
        generator = torch.Generator()
        generator.manual_seed(seed)
        array("uint32_t", name, torch.randperm(10, generator=generator).tolist())


def schedule(name, rate, warmup, total):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = get_scheduler("linear", optimiser, num_warmup_steps=warmup, num_training_steps=total)
    rates = []
    for _ in range(total):
        rates.append(scheduler.get_last_lr()[0])
        optimiser.step()
        scheduler.step()
    array("double", name, rates)


def classification():
    random = numpy.random.default_rng(5)
    gold = random.integers(0, CLASSES - 1, ROWS)  # the last class never occurs
    logits = random.normal(0, 1.5, (ROWS, CLASSES)).astype(numpy.float32)
    logits[:, 1] -= 9  # and the second is never predicted
    guess = logits.argmax(1)
    wide = logits.astype(numpy.float64)
    probabilities = numpy.exp(wide) / numpy.exp(wide).sum(1, keepdims=True)
    labels = list(range(CLASSES))
    precision, recall, f1, support = precision_recall_fscore_support(gold, guess, labels=labels, zero_division=0)
    print(f"enum {{ CLASSES = {CLASSES}, ROWS = {ROWS} }};")
    array("int32_t", "gold", gold.tolist())
    array("float", "logits", logits.ravel())
    array("uint64_t", "confusion", confusion_matrix(gold, guess, labels=labels).ravel().tolist())
    array("double", "precision", precision)
    array("double", "recall", recall)
    array("double", "f1", f1)
    array("uint64_t", "support", support.tolist())
    print(f"static const double accuracy = {float(accuracy_score(gold, guess)).hex()};")
    loss = -math.fsum(math.log(probabilities[i, g]) for i, g in enumerate(gold)) / ROWS
    assert abs(loss - log_loss(gold, probabilities, labels=labels)) < 1e-9
    print(f"static const double loss = {float(loss).hex()};")


def schedules():
    schedule("rates_warm", 5e-5, 5, 20)
    schedule("rates_cold", 1e-4, 0, 7)
    schedule("rates_short", 1e-4, 9, 4)


for name, part in (("sampler", permutations), ("schedule", schedules), ("metrics", classification)):
    path = pathlib.Path(__file__).with_name(f"{name}_expected.h")
    with path.open("w") as file, contextlib.redirect_stdout(file):
        print("/* Made by tests/unit/generate-training.py: do not edit. */")
        print("#include <stdint.h>\n\n/* clang-format off */")
        part()
