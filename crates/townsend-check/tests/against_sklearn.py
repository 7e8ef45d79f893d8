"""The newer metrics once more, from their definitions, with numpy, scipy, scikit-learn, and JetNet's own functions.

usage: against_sklearn.py INPUT.json > OUTPUT.json
"""
import importlib.util
import json
import sys
import types

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist, cdist
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def jetnet():
    """JetNet's metrics, without what their module imports for other metrics (torch, energyflow, numba)."""
    spec = importlib.util.find_spec("jetnet")
    if spec is None:
        sys.exit("needs JetNet in the Python test environment: pip install --no-deps jetnet==0.2.5")
    same = lambda *a, **k: a[0] if a and callable(a[0]) else same
    path = spec.submodule_search_locations[0] + "/evaluation/gen_metrics.py"
    stubs = {
        "torch": dict(Tensor=type("Tensor", (), {})), "torch.utils": {}, "torch.utils.data": dict(DataLoader=None),
        "energyflow": {}, "energyflow.emd": dict(emds=None),
        "numba": dict(njit=same, prange=range, set_num_threads=None),
        "jetnet": dict(utils=None), "jetnet.datasets": dict(JetNet=None),
    }
    for name, content in stubs.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        sys.modules[name] = module
    spec = importlib.util.spec_from_file_location("gen_metrics", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["gen_metrics"] = module
    spec.loader.exec_module(module)
    return module


def nearest(a, b, same=False):
    return cKDTree(b).query(a, k=[2 if same else 1])[0][:, 0]


def duplicates(real, generated):
    own = np.sort(nearest(real, real, True))
    edge = own[min(round(0.01 * len(own)), len(own) - 1)]
    return (nearest(generated, generated, True) < edge).mean()


def nearer_to_training(held_back, training, generated):
    t, h = nearest(generated, training), nearest(generated, held_back)
    return (t < h).mean() + 0.5 * (t == h).mean()


def network(a, b):
    x, y = np.r_[a, b], np.r_[np.zeros(len(a)), np.ones(len(b))]
    model = make_pipeline(StandardScaler(), MLPClassifier((64, 64), max_iter=25, alpha=1e-2, random_state=0))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1])


def g_of_r(avalanches, edges):
    """All pairs of each avalanche over all pairs with the 20th next, each avalanche about its centroid."""
    centered = [p - p.mean(0) for p in avalanches]
    within, between = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for k, p in enumerate(centered):
        other = centered[k + 20 if k + 20 < len(centered) else k % 20]
        own, mixed = pdist(p), cdist(p, other).ravel()
        within += np.histogram(own, edges)[0] / len(own)
        between += np.histogram(mixed, edges)[0] / len(mixed)
    within, between = within / within.sum(), between / between.sum()
    return np.where(between > 0, within / np.where(between > 0, between, 1), 1)


def lumpiness(p, scale):
    counts = np.unique(np.floor(p / scale).astype(int), axis=0, return_counts=True)[1]
    return (counts * (counts - 1.0)).sum() / (len(p) * (len(p) - 1.0))


def main():
    given = json.load(open(sys.argv[1]))
    a, b, c = (np.array(rows) for rows in given["rows"])
    avalanches = [np.array(p) for p in given["avalanches"]]
    many = [np.array(rows) for rows in given["many"]]
    module = jetnet()
    with np.errstate(all="ignore"):
        fpd = module.fpd(*many)
    mu_sigma = lambda x: (x.mean(0), np.cov(x, rowvar=False))
    out = dict(
        correlations=np.corrcoef(a, rowvar=False).tolist(),
        isotonic=IsotonicRegression().fit_transform(np.arange(len(given["labels"])), given["labels"]).tolist(),
        duplicates=duplicates(a, b),
        nearer_to_training=nearer_to_training(a, c, b),
        network=network(a, b),
        g=g_of_r(avalanches, np.array(given["edges"])).tolist(),
        lumpiness=[[lumpiness(p, s) for p in avalanches] for s in (0.05, 0.1, 0.2, 0.4, 0.8)],
        jetnet=dict(
            frechet=module._calculate_frechet_distance(*mu_sigma(a), *mu_sigma(b)),
            kernel=module._mmd_poly_quadratic_unbiased(a, b),
            fpd=fpd[0],
            fpd_error=fpd[1],
            kpd=module.kpd(*many)[0],
        ),
    )
    json.dump(out, sys.stdout, default=float)


main()
