#!/usr/bin/env python3
"""Makes tests/unit/scores_expected.h: what scikit-learn and scipy say about small made-up predictions.

usage: python3 tests/unit/generate-scores.py
It needs what tests/parity/requirements.txt lists; the functions are tests/parity/metrics_reference.py.
"""
import contextlib
import math
import pathlib
import sys
import warnings

import numpy as np
from scipy import stats

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "parity"))
import metrics_reference as reference  # noqa: E402


def literal(value):
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return "NAN" if math.isnan(value) else float(value).hex()


def array(kind, name, values):
    print(f"static const {kind} {name}[] = {{{', '.join(map(literal, np.ravel(values)))}}};")


def expected(name, values):
    rows = ", ".join(f'{{"{key}", {literal(float(value))}}}' for key, value in values.items())
    print(f"static const struct score {name}[] = {{{rows}}};")


def case(name, gold, guess, values, found, kinds):
    """kinds: C types of gold and guess; guess None: it follows from the values."""
    scores, table = found
    scores.pop("confusion", None)
    array(kinds[0], f"{name}_gold", gold)
    if guess is not None:
        array(kinds[1], f"{name}_guess", guess)
    array("double", f"{name}_values", values)
    expected(f"{name}_scores", scores)
    expected(f"{name}_label", table[1 % len(table)])


def main():
    random = np.random.default_rng(5)
    print("enum { ROWS = 60 };")

    # Of four classes the last never occurs, and the second is never the likeliest; many probabilities are equal.
    gold = random.integers(0, 3, 60)
    logits = random.normal(0, 1.5, (60, 4))
    logits[:, 1] -= 9
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    probs[:, 0] = np.round(probs[:, 0], 1)
    guess = probs.argmax(1)
    case("four", gold, None, probs, reference.classes(gold, guess, probs, 15, 2), ["uint32_t"])
    weights = random.integers(0, 4, 60)
    array("uint32_t", "weights", weights)
    twice = np.repeat(np.arange(60), weights)
    scores, _ = reference.classes(gold[twice], guess[twice], probs[twice], 15, 2)
    scores.pop("confusion")
    expected("four_weighted", scores)

    one = np.round(random.random(60), 1)
    gold = (random.random(60) < 0.3 + 0.4 * one).astype(int)
    probs = np.stack([1 - one, one], 1)
    guess = random.integers(0, 2, 60)  # not always the likelier
    case("two", gold, guess, probs, reference.classes(gold, guess, probs), ["uint32_t", "uint32_t"])

    gold = (random.random((60, 3)) < [0.5, 0.2, 0]).astype(int)
    probs = np.round((gold + random.random((60, 3))) / 2, 2)
    guess = (probs > 0.5).astype(int)
    case("sets", gold, None, probs, reference.sets(gold, guess, probs), ["uint8_t"])
    scores, _ = reference.sets(gold[twice], guess[twice], probs[twice])
    expected("sets_weighted", scores)

    gold = np.round(random.normal(3, 2, (60, 2)))
    guess = gold + random.normal(0, 1, (60, 2))
    guess[:, 1] = np.round(guess[:, 1])
    case("numbers", gold, None, guess, reference.numbers(gold, guess), ["double"])
    scores, _ = reference.numbers(gold[twice], guess[twice])
    expected("numbers_weighted", scores)

    print("/* first only, second only, statistic, p value */")
    array("double", "mcnemar", [
        (a, b, *reference.mcnemar(a, b)) for a, b in [(0, 0), (1, 0), (3, 9), (12, 13), (13, 13), (5, 21), (10, 40), (300, 200)]])
    values = np.sort(random.random(9))
    array("double", "sorted", values)
    array("double", "quantiles", [np.percentile(values, q) for q in (0, 2.5, 50, 97.5, 100)])
    assert abs(stats.binomtest(3, 12).pvalue - reference.mcnemar(3, 9)[1]) < 1e-15


warnings.simplefilter("ignore")
with (HERE / "scores_expected.h").open("w") as file, contextlib.redirect_stdout(file):
    print("/* Made by tests/unit/generate-scores.py: do not edit. */")
    print("/* clang-format off */")
    main()
