"""Writes tests/golden/metrics.json: what NumPy, SciPy and statsmodels say to what the program works out itself.

- `val`: InsightFace's calculate_val (its verification.py: KFold(10) in order, numpy.arange(0, 4, 0.001), strict <) on
  the pairs as make_rules.py lays them out. Its scipy interpolation refuses equal rates today; numpy.interp is the same
  line between the last threshold of one rate and the first of the next.
- `bootstrap`: percentile intervals of the reference rule's figures over 20,000 draws within kind and fold, thresholds
  kept, AUC by ranks (scipy.stats.rankdata).
- `mcnemar`: exact two-sided p by statsmodels and by scipy.stats.binomtest, which must agree.
- `probit`: scipy.special.ndtri.

Made with Python 3.11, numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0:  python tests/golden/make_metrics.py
"""

import json
import os

import numpy
import scipy.special
import scipy.stats
from statsmodels.stats.contingency_tables import mcnemar

from make_rules import cases, folder, folds_of, laid_out


def val(distance, same):
    grid, fold = numpy.arange(0, 4, 0.001), folds_of(len(distance))
    vals, fars = [], []
    for test in range(10):
        negatives = distance[(fold != test) & ~same]
        rates = numpy.array([numpy.mean(negatives < t) for t in grid])
        threshold = numpy.interp(1e-3, rates, grid) if rates.max() >= 1e-3 else 0.0
        accepted = distance[fold == test] < threshold
        vals.append(float(numpy.mean(accepted[same[fold == test]])))
        fars.append(float(numpy.mean(accepted[~same[fold == test]])))
    return {"mean": float(numpy.mean(vals)), "std": float(numpy.std(vals)), "far": float(numpy.mean(fars))}


def bootstrap(case):
    """Both lists in ten parts of len(positives) / 10 by position, the rest apart; the published thresholds."""
    random = numpy.random.default_rng(1)
    positive, negative = (numpy.array(case[k]) for k in ("positive_distances", "negative_distances"))
    size = len(positive) // 10
    thresholds = case["reference_rule"]["thresholds"]
    draws = {"accuracy": [], "auc": []}
    groups = [[positive[f * size:(f + 1) * size], negative[f * size:(f + 1) * size]] for f in range(10)]
    rest = [positive[10 * size:], negative[10 * size:len(positive)], negative[len(positive):]]
    draw = lambda values: values[random.integers(0, len(values), len(values))] if len(values) else values
    for _ in range(20_000):
        drawn = [[draw(kind) for kind in group] for group in groups]
        right = [(numpy.sum(p < t) + numpy.sum(n >= t)) / (len(p) + len(n)) for (p, n), t in zip(drawn, thresholds)]
        draws["accuracy"].append(numpy.mean(right))
        others = [draw(kind) for kind in rest]
        p = numpy.concatenate([p for p, _ in drawn] + others[:1])
        n = numpy.concatenate([n for _, n in drawn] + others[1:])
        ranks = scipy.stats.rankdata(numpy.concatenate([p, n]))[len(p):]
        draws["auc"].append((ranks.sum() - len(n) * (len(n) + 1) / 2) / (len(p) * len(n)))
    return {name: numpy.quantile(values, [0.025, 0.975]).tolist() for name, values in draws.items()}


tests = []
for fixed, broken in [(0, 0), (1, 0), (0, 1), (5, 5), (3, 9), (10, 2), (25, 41), (120, 80), (700, 820)]:
    p = float(mcnemar([[0, broken], [fixed, 0]], exact=True).pvalue)
    if fixed + broken:
        assert abs(p - scipy.stats.binomtest(fixed, fixed + broken).pvalue) < 1e-12, (fixed, broken)
    tests.append({"fixed": fixed, "broken": broken, "p": p})
metrics = {
    "cases": [{"name": case["name"],
               "val": val(*laid_out(case["positive_distances"], case["negative_distances"])),
               "bootstrap": bootstrap(case)} for case in cases],
    "mcnemar": tests,
    "probit": [[p, float(scipy.special.ndtri(p))] for p in
               [1e-6, 1e-4, 0.001, 0.01, 0.02425, 0.05, 0.1, 0.3, 0.5, 0.6, 0.9, 0.975, 0.999]],
}
with open(os.path.join(folder, "metrics.json"), "w") as file:
    json.dump(metrics, file)
    file.write("\n")
