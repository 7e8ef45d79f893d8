"""Metrics of rows of numbers once more, from their definitions, with numpy, scipy and scikit-learn.

usage: against_scipy.py INPUT.json > OUTPUT.json
"""
import json
import sys

import numpy as np
from scipy import linalg
from scipy.spatial.distance import cdist
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

def frechet(a, b):
    root = linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)).real
    shift = a.mean(0) - b.mean(0)
    return shift @ shift + np.trace(np.cov(a, rowvar=False) + np.cov(b, rowvar=False) - 2 * root)


def kernel(a, b):
    k = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 4
    aa, bb, n, m = k(a, a), k(b, b), len(a), len(b)
    return (aa.sum() - np.trace(aa)) / n / (n - 1) + (bb.sum() - np.trace(bb)) / m / (m - 1) - 2 * k(a, b).mean()


def neighbours(a, b, k=5):
    ra, rb = np.sort(cdist(a, a), 1)[:, k], np.sort(cdist(b, b), 1)[:, k]
    d = cdist(a, b)
    return dict(
        precision=(d < ra[:, None]).any(0).mean(),
        recall=(d < rb[None, :]).any(1).mean(),
        density=(d < ra[:, None]).sum(0).mean() / k,
        coverage=(d.min(1) < ra).mean(),
    )


def trees(a, b):
    x, y = np.r_[a, b], np.r_[np.zeros(len(a)), np.ones(len(b))]
    model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.05, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1])


def main():
    given = json.load(open(sys.argv[1]))
    a, b = (np.array(rows) for rows in given["rows"])
    scores = given["scores"]
    labels = np.r_[np.ones(len(scores[0])), np.zeros(len(scores[1]))]
    out = dict(
        frechet=frechet(a, b),
        kernel=kernel(a, b),
        neighbours=neighbours(a, b),
        trees=trees(a, b),
        auc=roc_auc_score(labels, np.r_[scores[0], scores[1]]),
    )
    json.dump(out, sys.stdout, default=float)


main()
