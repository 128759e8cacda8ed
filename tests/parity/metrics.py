#!/usr/bin/env python3
"""Scores of bert-eval against scikit-learn on random predictions streams.

usage: metrics.py [CASES] [SEED]      (1000 cases by default)
Each case draws the problem, sizes, ties, absent labels, degenerate ones; every score of the report and of each label
has to agree within 1e-9, and NaN is JSON's null. Half of the comparisons have few discordant records.
"""

import json
import math
import subprocess
import sys
import tempfile
import warnings

import numpy as np

import common
import metrics_reference as reference

sys.path.insert(0, str(common.ROOT / "tests/fixtures/stream"))
import msgstream  # noqa: E402

TOLERANCE = 1e-9
EVAL = common.program("bert-eval")


def write(path, problem, labels, records):
    header = {"type": "predictions", "problem": problem, "labels": labels, "history": []}
    path.write_bytes(msgstream.segment(header, records, check_every=16))


def evaluate(*arguments):
    done = subprocess.run([EVAL, "-q", "-f", "json", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"exit status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def size(random):
    return int(random.choice([1, 2, 3, 5, 10, 30, 100]))


def probabilities(random, count, labels):
    """Softmax of noise; sometimes with ties, sometimes with exact zeros and ones."""
    logits = random.normal(0, random.choice([0.1, 1, 5]), (count, labels))
    values = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    style = random.integers(5)
    if style == 0:
        values = np.round(values * 4) / 4
    elif style == 1:
        values[:] = 1 / labels
    elif style == 2:
        values = np.eye(labels)[values.argmax(1)]
    elif style == 3:
        values = values.astype(np.float32).astype(np.float64)
    return values


def draw_classes(random):
    count, labels = size(random), int(random.choice([2, 2, 3, 4, 7, 20]))
    present = random.permutation(labels)[: random.integers(1, labels + 1)]
    gold = random.choice(present, count)
    probs = probabilities(random, count, labels)
    if random.random() < 0.4:  # a model that has learned something
        probs = (probs + np.eye(labels)[gold]) / 2
    guess = probs.argmax(1)
    if random.random() < 0.2:  # labels that are not the likeliest
        guess = random.integers(0, labels, count)
    return gold, guess, probs


def class_case(random, path):
    gold, guess, probs = draw_classes(random)
    bare = random.random() < 0.1
    write(path, "single", [f"c{i}" for i in range(probs.shape[1])], [
        {"id": str(i), "label": int(p), "gold": int(g)} | ({} if bare else {"probs": row.tolist()})
        for i, (g, p, row) in enumerate(zip(gold, guess, probs))])
    bins, top_k = int(random.choice([1, 2, 10, 15, 100])), int(random.integers(1, 6))
    wanted = reference.classes(gold, guess, probs.shape[1] if bare else probs, bins, top_k)
    return evaluate("--bins", bins, "--top-k", top_k, path), wanted


def set_case(random, path):
    count, labels = size(random), int(random.choice([1, 2, 3, 6, 15]))
    gold = (random.random((count, labels)) < random.choice([0, 0.1, 0.5, 1], labels)).astype(int)
    probs = 1 / (1 + np.exp(-random.normal(0, 2, (count, labels))))
    if random.random() < 0.3:
        probs = np.round(probs * 5) / 5
    if random.random() < 0.4:
        probs = (probs + gold) / 2
    guess = (probs > 0.5).astype(int)
    if random.random() < 0.2:
        guess = random.integers(0, 2, (count, labels))
    if labels == 1:  # scikit-learn takes a single column for classes 0 and 1
        gold, guess, probs = (np.hstack([m, 1 - m]) for m in (gold, guess, probs))
    write(path, "multi", [f"l{i}" for i in range(gold.shape[1])], [
        {"id": str(i), "label": np.flatnonzero(p).tolist(), "gold": np.flatnonzero(g).tolist(), "probs": row.tolist()}
        for i, (g, p, row) in enumerate(zip(gold, guess, probs))])
    return evaluate(path), reference.sets(gold, guess, probs)


def number_case(random, path):
    count, width = size(random), int(random.choice([1, 1, 2, 5]))
    gold = random.normal(random.choice([0, 1000]), random.choice([0.5, 3]), (count, width))
    if random.random() < 0.4:
        gold = np.round(gold)  # ties
    if random.random() < 0.1:
        gold[:] = 2
    guess = gold + random.normal(0, 1, gold.shape) if random.random() < 0.7 else random.normal(0, 1, gold.shape)
    if random.random() < 0.2:
        guess = np.round(guess)
    if random.random() < 0.1:
        guess[:, 0] = 0.5
    one = width == 1
    write(path, "regression", [f"n{i}" for i in range(width)], [
        {"id": str(i), "label": float(p[0]) if one else p.tolist(), "gold": float(g[0]) if one else g.tolist()}
        for i, (g, p) in enumerate(zip(gold, guess))])
    return evaluate(path), reference.numbers(gold, guess)


def comparison_case(random, path):
    gold, guess, probs = draw_classes(random)
    count, labels = probs.shape
    gold = np.tile(gold, 5)
    few = random.random() < 0.5
    sides = []
    for name in ("this", "other"):
        side = np.where(random.random(gold.size) < (0.05 if few else 0.4), random.integers(0, labels, gold.size), gold)
        sides.append(side)
        write(path.with_name(name), "single", [f"c{i}" for i in range(labels)], [
            {"id": str(i), "label": int(p), "gold": int(g)} for i, (g, p) in enumerate(zip(gold, side))])
    found = evaluate("--compare", path.with_name("other"), path.with_name("this"))["comparison"]
    right = [side == gold for side in sides]
    first, second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    statistic, p_value = reference.mcnemar(first, second)
    other = reference.classes(gold, sides[1], labels)[0]
    del other["confusion"]
    wanted = other | {"only_this_right": first, "only_other_right": second, "statistic": statistic, "p_value": p_value}
    return found["other"] | found["mcnemar"] | {"classes": {}}, (wanted, [])


def difference(name, got, wanted):
    if isinstance(wanted, list):
        return 0 if got == wanted else math.inf
    if math.isnan(wanted):
        return 0 if got is None else math.inf
    if got is None or name is None:
        return math.inf
    return abs(got - wanted) / max(1, abs(wanted))


def main():
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    random = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    worst, compared, failed = {}, 0, 0
    kinds = [class_case, class_case, set_case, number_case, comparison_case]
    warnings.simplefilter("ignore")  # scikit-learn's about absent classes and short columns
    with tempfile.TemporaryDirectory() as folder:
        path = common.pathlib.Path(folder) / "predictions.mp"
        for case in range(cases):
            kind = kinds[case % len(kinds)]
            got, (wanted, table) = kind(random, path)
            checks = [(name, got.get(name, math.inf), value) for name, value in wanted.items()]
            for row, found in zip(table, got["classes"].values()):
                checks += [(f"label {name}", found.get(name, math.inf), value) for name, value in row.items()]
            for name, value, want in checks:
                distance = difference(name, value, want)
                compared += 1
                worst[name] = max(worst.get(name, 0), distance)
                if distance > TOLERANCE:
                    failed += 1
                    print(f"case {case} ({kind.__name__}): {name}: {value}, scikit-learn {want}")
    print(f"{cases} cases, {compared} values, {failed} differ by more than {TOLERANCE}; largest {max(worst.values()):.2g}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
