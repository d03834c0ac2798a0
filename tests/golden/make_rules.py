"""Writes tests/golden/rules.json: the InsightFace and the exact rule on the distances of verification.json, by plain
NumPy loops over all thresholds, after InsightFace's verification.py (KFold(10) in order, numpy.arange(0, 4, 0.01),
strict <, first best) and, for the exact rule, by trying every distance as a threshold.

The pairs of a case are laid out as its list would be: positives and negatives alternating, leftovers at the end.
Distances are doubled first, so that they spread over the grid as squared L2 distances do.

Made with Python 3.11, numpy 2.4.6:  python tests/golden/make_rules.py
"""

import json
import os

import numpy

folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "verification.json")) as file:
    cases = json.load(file)


def laid_out(positive, negative):
    pairs = []
    for index in range(max(len(positive), len(negative))):
        pairs += [(2 * positive[index], True)] if index < len(positive) else []
        pairs += [(2 * negative[index], False)] if index < len(negative) else []
    return numpy.array([d for d, _ in pairs]), numpy.array([s for _, s in pairs])


def folds_of(count):
    """scikit-learn's KFold(10, shuffle=False)."""
    sizes = numpy.full(10, count // 10)
    sizes[: count % 10] += 1
    return numpy.repeat(numpy.arange(10), sizes)


def accuracy(threshold, distance, same):
    return numpy.mean((distance < threshold) == same)


def insightface(distance, same):
    grid, fold = numpy.arange(0, 4, 0.01), folds_of(len(distance))
    accuracies, thresholds = [], []
    for test in range(10):
        train = fold != test
        best = numpy.argmax([accuracy(t, distance[train], same[train]) for t in grid])
        thresholds.append(float(grid[best]))
        accuracies.append(float(accuracy(grid[best], distance[~train], same[~train])))
    return {"mean": float(numpy.mean(accuracies)), "std": float(numpy.std(accuracies)),
            "folds": accuracies, "thresholds": thresholds}


def exact(distance, same):
    """The best accuracy that any threshold reaches on each fold's training pairs; folds by position within a kind."""
    fold = numpy.empty(len(distance), int)
    fold[same], fold[~same] = folds_of(same.sum()), folds_of((~same).sum())
    best = []
    for test in range(10):
        train = fold != test
        candidates = numpy.append(distance[train], numpy.inf)
        best.append(float(max(accuracy(t, distance[train], same[train]) for t in candidates)))
    return {"fold_of_pair": fold.tolist(), "best_training_accuracy": best}


rules = []
for case in cases:
    distance, same = laid_out(case["positive_distances"], case["negative_distances"])
    rules.append({"name": case["name"], "insightface": insightface(distance, same), "exact": exact(distance, same)})
with open(os.path.join(folder, "rules.json"), "w") as file:
    json.dump(rules, file)
    file.write("\n")
