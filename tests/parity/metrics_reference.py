"""bert-eval's scores computed by scikit-learn and scipy, or, where these have none, from the definition in bert-eval(1)."""

import math
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as sk

NAN = math.nan


def averages(truth, guess, names, labels=None, extra=()):
    found = {}
    for average in ("micro", "macro", "weighted", *extra):
        values = sk.precision_recall_fscore_support(truth, guess, labels=labels, average=average, zero_division=0)
        found |= {f"{name}_{average}": value for name, value in zip(names, values)}
    return found


NAMES = ("precision", "recall", "f1")


def mean_of_defined(values, weights=None):
    pairs = [(v, 1 if weights is None else weights[i]) for i, v in enumerate(values) if not math.isnan(v)]
    total = sum(w for _, w in pairs)
    return sum(v * w for v, w in pairs) / total if total else NAN


def auc(truth, scores):
    return sk.roc_auc_score(truth, scores) if 0 < sum(truth) < len(truth) else NAN


def average_precision(truth, scores):
    return sk.average_precision_score(truth, scores) if sum(truth) else NAN


def rankings(truth, scores):
    """truth, scores: [records, labels]; per label, and their means."""
    columns = range(truth.shape[1])
    aucs = [auc(truth[:, j], scores[:, j]) for j in columns]
    precisions = [average_precision(truth[:, j], scores[:, j]) for j in columns]
    return aucs, precisions, {
        "roc_auc": mean_of_defined(aucs),
        "roc_auc_weighted": mean_of_defined(aucs, truth.sum(0)),
        "average_precision": mean_of_defined(precisions),
        "average_precision_weighted": mean_of_defined(precisions, truth.sum(0)),
    }


def calibration_error(confidence, right, bins):
    total = 0
    for i in range(bins):
        inside = (confidence > i / bins) & (confidence <= (i + 1) / bins)
        if i == 0:
            inside |= confidence == 0
        if inside.any():
            total += inside.sum() * abs(confidence[inside].mean() - right[inside].mean())
    return total / len(confidence)


def classes(gold, guess, probs, bins=15, top_k=5):
    """gold, guess: [records]; probs: [records, classes] or the number of classes."""
    count = probs if isinstance(probs, int) else probs.shape[1]
    labels = list(range(count))
    occurring = sorted(set(gold) | set(guess))
    found = {
        "accuracy": sk.accuracy_score(gold, guess),
        "balanced_accuracy": sk.balanced_accuracy_score(gold, guess),
        "matthews_correlation": sk.matthews_corrcoef(gold, guess),
        "cohen_kappa": sk.cohen_kappa_score(gold, guess) if len(occurring) > 1 else NAN,
    } | averages(gold, guess, NAMES, labels=occurring)
    each = sk.precision_recall_fscore_support(gold, guess, labels=labels, zero_division=0)
    for name, values in zip(NAMES, each):
        found[name] = values[1] if count == 2 else found[f"{name}_macro"]
    table = [dict(zip(("precision", "recall", "f1", "support"), row)) for row in zip(*each)]
    found["confusion"] = sk.confusion_matrix(gold, guess, labels=labels).tolist()
    if isinstance(probs, int):
        return found, table
    truth = np.eye(count)[gold]
    aucs, precisions, means = rankings(truth, probs)
    for row, area, precision in zip(table, aucs, precisions):
        row |= {"roc_auc": area, "average_precision": precision}
    if count == 2:
        means = {"roc_auc": aucs[1], "average_precision": precisions[1]}
    found |= means
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # probabilities that do not add up to 1
        found["loss"] = sk.log_loss(gold, probs, labels=labels)
        found["brier"] = sk.brier_score_loss(gold, probs, labels=labels)
    confidence = probs[np.arange(len(gold)), guess]
    found["calibration_error"] = calibration_error(confidence, np.array(gold) == guess, bins)
    if count == 2 and top_k == 1:
        found["top_k_accuracy"] = sk.accuracy_score(gold, probs.argmax(1))
    elif count > top_k:
        # bertpipe ranks the first of equals first, scikit-learn the last: so its columns are reversed.
        found["top_k_accuracy"] = sk.top_k_accuracy_score(
            count - 1 - np.array(gold), probs[:, ::-1], k=top_k, labels=labels)
    return found, table


def sets(gold, guess, probs, bins=15):
    """gold, guess: [records, labels] of 0 and 1; probs: the same shape, or None."""
    found = {
        "accuracy": sk.accuracy_score(gold, guess),
        "hamming_loss": sk.hamming_loss(gold, guess),
    } | averages(gold, guess, NAMES, extra=("samples",))
    found |= {name: found[f"{name}_micro"] for name in NAMES}
    each = sk.precision_recall_fscore_support(gold, guess, zero_division=0, average=None)
    table = [dict(zip(("precision", "recall", "f1", "support"), row)) for row in zip(*each)]
    if probs is None:
        return found, table
    aucs, precisions, means = rankings(gold, probs)
    for row, area, precision in zip(table, aucs, precisions):
        row |= {"roc_auc": area, "average_precision": precision}
    found |= means
    found["roc_auc_micro"] = auc(gold.ravel(), probs.ravel())
    found["average_precision_micro"] = average_precision(gold.ravel(), probs.ravel())
    found["loss"] = sk.log_loss(gold.ravel(), probs.ravel(), labels=[0, 1])
    found["brier"] = sk.brier_score_loss(gold.ravel(), probs.ravel(), labels=[0, 1])
    found["calibration_error"] = calibration_error(probs.ravel(), gold.ravel(), bins)
    return found, table


def constant(values):
    return bool((values == values[0]).all())


def column(gold, guess):
    vague = constant(gold) or constant(guess)
    return {
        "mse": sk.mean_squared_error(gold, guess),
        "rmse": sk.root_mean_squared_error(gold, guess),
        "mae": sk.mean_absolute_error(gold, guess),
        "r2": sk.r2_score(gold, guess) if len(gold) > 1 else NAN,
        "pearson": NAN if vague else stats.pearsonr(gold, guess).statistic,
        "spearman": NAN if vague else stats.spearmanr(gold, guess).statistic,
    }


def numbers(gold, guess):
    """gold, guess: [records, numbers]."""
    table = [column(gold[:, j], guess[:, j]) for j in range(gold.shape[1])]
    found = {name: mean_of_defined([row[name] for row in table]) for name in table[0]}
    found["loss"] = sk.mean_squared_error(gold, guess)
    return found, table


def mcnemar(first, second):
    """statsmodels' formulas: exact up to 25 records, else chi-squared with continuity correction."""
    count = first + second
    if count <= 25:
        return min(first, second), stats.binomtest(first, count, 0.5).pvalue if count else 1.0
    statistic = max(abs(first - second) - 1, 0) ** 2 / count
    return statistic, stats.chi2.sf(statistic, 1)
