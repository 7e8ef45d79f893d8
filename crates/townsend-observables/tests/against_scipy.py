"""Observables, distances and gains once more, from their definitions, with numpy and scipy.

usage: against_scipy.py INPUT.json > OUTPUT.json
"""
import json
import sys

import numpy as np
from scipy import stats
from scipy.spatial.distance import pdist

AXES = [(90, -1.5, 1.5), (90, -1.5, 1.5), (90, 130.0, 220.0)]


def bins(values, axis):
    """ROOT's bin numbers: 0 below, n + 1 above."""
    n, low, high = axis
    return np.clip(np.searchsorted(np.linspace(low, high, n + 1), values, side="right"), 0, n + 1)


def same_cell(cells):
    _, counts = np.unique(cells, axis=0, return_counts=True)
    n = counts.sum()
    return (counts * (counts - 1.0)).sum() / (n * (n - 1.0))


def transverse(p, out):
    r = np.sort(np.hypot(*(p[:, :2] - p[:, :2].mean(0)).T))
    out["r90"] = r[-(-9 * len(p) // 10) - 1]
    out["pair_distance"] = np.median(pdist(p[:, :2]))
    out["lumpiness"] = same_cell(np.floor(p[:, :2] / 0.1).astype(int))


def of_electrons(p):
    out = {"empty": float(len(p) == 0)}
    if len(p) == 0:
        return out
    cells = np.stack([bins(p[:, d], AXES[d]) for d in range(3)], 1)
    _, counts = np.unique(cells, axis=0, return_counts=True)
    out.update(n_electrons=len(p), n_cells=len(counts), max_cell=counts.max())
    for d, c in enumerate("xzt"):
        out["mean_" + c] = p[:, d].mean()
        if len(p) >= 2:
            out["rms_" + c] = p[:, d].std()
        if len(p) >= 3:
            out["skew_" + c] = stats.skew(p[:, d])
        if len(p) >= 4:
            out["kurt_" + c] = stats.kurtosis(p[:, d])
    if len(p) >= 2:
        cov = np.cov(p.T, bias=True)
        out.update(cov_xz=cov[0, 1], cov_xt=cov[0, 2], cov_zt=cov[1, 2])
        transverse(p, out)
    return out


def of_counts(p):
    """The same electrons counted in x and z on the standard grid: every one at its bin's centre."""
    widths = [(high - low) / n for n, low, high in AXES]
    cells = np.stack([bins(p[:, d], AXES[d]) for d in range(2)], 1)
    n = np.array([a[0] for a in AXES[:2]])
    low, high = (np.array([a[k] for a in AXES[:2]]) for k in (1, 2))
    centers = np.where(cells == 0, low, np.where(cells > n, high, low + (cells - 0.5) * (high - low) / n))
    _, counts = np.unique(cells, axis=0, return_counts=True)
    out = dict(n_electrons=len(p), n_cells=len(counts), max_cell=counts.max())
    for d, c in enumerate("xz"):
        q, h = centers[:, d] - centers[:, d].mean(), widths[d]
        m2, m3, m4 = (q**2).mean(), (q**3).mean(), (q**4).mean()
        mu2 = m2 - h**2 / 12
        out["mean_" + c] = centers[:, d].mean()
        out["rms_" + c] = np.sqrt(mu2)
        out["skew_" + c] = m3 / mu2**1.5
        out["kurt_" + c] = (m4 - m2 * h**2 / 2 + 7 * h**4 / 240) / mu2**2 - 3
    out["cov_xz"] = np.cov(centers.T, bias=True)[0, 1]
    transverse(centers, out)
    lumps = np.where(cells == 0, -1, np.where(cells > n, 10**6, (cells - 1) // 3))
    out["lumpiness"] = same_cell(lumps)
    return out


def distances(a, b, binning):
    low, high, n = binning
    edges = np.r_[-np.inf, np.linspace(low, high, n + 1), np.inf]
    edges[-2] = np.nextafter(edges[-2], np.inf)
    h, g = (np.histogram(s, edges)[0] / len(s) for s in (a, b))
    filled = h + g > 0
    ks = stats.ks_2samp(a, b, method="asymp")
    return dict(
        w1_over_sigma=stats.wasserstein_distance(a, b) / np.std(a),
        ks=ks.statistic,
        p_value=ks.pvalue,
        separation_power=0.5 * ((h - g)[filled] ** 2 / (h + g)[filled]).sum(),
    )


def relative_variance(n):
    return np.var(n, ddof=1) / np.mean(n) ** 2


def jackknife(function, n):
    """Standard error from leaving out one value after the other."""
    left = np.array([function(np.delete(n, k)) for k in range(len(n))])
    return np.sqrt((len(n) - 1) * left.var())


def gain(n):
    n, filled = np.array(n, dtype=float), np.array([v for v in n if v > 0], dtype=float)
    empty = len(n) - len(filled)
    theta = lambda n: 1 / relative_variance(n) - 1
    return dict(
        effective=[n.mean(), stats.sem(n)],
        empty=[empty / len(n), stats.beta(empty + 1, len(filled) + 1).std()],
        relative_variance=[relative_variance(n), jackknife(relative_variance, n)],
        theta=[theta(filled), jackknife(theta, filled)],
    )


def main():
    given = json.load(open(sys.argv[1]))
    avalanches = [np.array(a, dtype=float).reshape(-1, 3) for a in given["avalanches"]]
    out = dict(
        electrons=[of_electrons(p) for p in avalanches],
        counts=[of_counts(p) if len(p) >= 100 else {} for p in avalanches],
        gains=[gain(n) for n in given["gains"]],
        distances=[distances(np.array(s["a"]), np.array(s["b"]), s["binning"]) for s in given["samples"]],
    )
    json.dump(out, sys.stdout, default=float)


main()
