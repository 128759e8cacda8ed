#!/usr/bin/env python3
"""Makes tests/unit/{sampler,schedule,plan,metrics}_expected.h: what torch, transformers and scikit-learn say.

usage: python3 tests/unit/generate-training.py
"""
import contextlib
import math
import pathlib
import types

import numpy
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support
from transformers import Trainer, get_scheduler
from transformers.trainer_pt_utils import get_length_grouped_indices

CLASSES = 4
ROWS = 60
LENGTHS = 301


def array(kind, name, values):
    text = ", ".join(str(v) if isinstance(v, int) else float(v).hex() for v in values)
    print(f"static const {kind} {name}[] = {{{text}}};")


def permutations():
    for name, seed in (("order_seed_43", 43), ("order_seed_large", 2**32 + 7)):
        generator = torch.Generator()
        generator.manual_seed(seed)
        array("uint32_t", name, torch.randperm(10, generator=generator).tolist())
    # lengths with many equals; the longest occurs twice
    lengths = [5 + i * 7919 % 97 % 23 for i in range(LENGTHS)]
    lengths[10] = lengths[200] = 40
    print(f"enum {{ LENGTHS = {LENGTHS} }};")
    array("uint32_t", "lengths", lengths)
    for step_samples in (1, 4, 16, 100, 500):  # groups of 50 steps, of fewer, and of one
        generator = torch.Generator()
        generator.manual_seed(44)
        order = get_length_grouped_indices(lengths, step_samples, generator=generator)
        array("uint32_t", f"grouped_{step_samples}", order)


def schedule(name, rate, warmup, total, kind="linear", **options):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = get_scheduler(kind, optimiser, warmup, total, scheduler_specific_kwargs=options)
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
    schedule("rates_cosine", 5e-5, 5, 20, "cosine")
    schedule("rates_cosine_waves", 3e-5, 2, 20, "cosine", num_cycles=1.75)
    schedule("rates_constant", 2e-5, 5, 9, "constant")
    schedule("rates_constant_warm", 2e-5, 5, 9, "constant_with_warmup")
    schedule("rates_polynomial", 5e-5, 4, 20, "polynomial")
    schedule("rates_polynomial_square", 5e-5, 0, 20, "polynomial", lr_end=1e-6, power=2.5)


def plans():
    """Runs: records, batch, accumulation, drop_last, epochs, max_steps; batches and steps of an epoch, steps, epochs."""
    print("struct expected_plan {")
    print("    uint32_t records, batch, accumulation;\n    bool drop_last;\n    double epochs;\n    uint64_t max_steps;")
    print("    uint64_t batches_per_epoch, steps_per_epoch, steps, run_epochs;\n};")
    print("static const struct expected_plan plans[] = {")
    self = types.SimpleNamespace(
        get_total_train_batch_size=lambda args: 0, get_sp_size=lambda: 1, num_examples=lambda loader: len(loader.dataset)
    )
    for records, batch, accumulation, epochs, max_steps in (
        (25000, 16, 1, 3, -1), (25000, 16, 4, 3, -1), (25000, 16, 4, 2.5, -1), (100, 8, 3, 1.1, -1), (96, 8, 3, 0.1, -1),
        (100, 8, 5, 3, 7), (100, 8, 1, 3, 26), (10, 16, 1, 2, -1), (17, 16, 2, 2, -1), (7, 2, 16, 3, -1),
    ):  # fmt: skip
        for drop_last in (False, True):
            if drop_last and records < batch:
                continue
            loader = torch.utils.data.DataLoader(range(records), batch_size=batch, drop_last=drop_last)
            args = types.SimpleNamespace(
                max_steps=max_steps, num_train_epochs=epochs, gradient_accumulation_steps=accumulation
            )
            run_epochs, per_epoch, _, _, _, batches, steps = Trainer.set_initial_training_values(self, args, loader)
            values = (records, batch, accumulation, int(drop_last), epochs, max(max_steps, 0), batches, per_epoch, steps, run_epochs)
            print(f"    {{{', '.join(map(str, values))}}},")
    print("};")


for name, part in (
    ("sampler", permutations), ("schedule", schedules), ("plan", plans), ("metrics", classification)
):  # fmt: skip
    path = pathlib.Path(__file__).with_name(f"{name}_expected.h")
    with path.open("w") as file, contextlib.redirect_stdout(file):
        print("/* Made by tests/unit/generate-training.py: do not edit. */")
        print("#include <stdbool.h>\n#include <stdint.h>\n\n/* clang-format off */")
        part()
