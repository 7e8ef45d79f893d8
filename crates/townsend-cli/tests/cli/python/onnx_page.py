"""Avalanches that the example of the page on ONNX makes of a network, compared with generated ones.

usage: onnx_page.py PAGE.md NETWORK.onnx GENERATED.npz
"""
import json
import sys

import numpy as np
import onnxruntime
from scipy import stats

page, network, generated = sys.argv[1:]
onnxruntime.set_default_logger_severity(3)
example = open(page, encoding="utf-8").read().split("```python\n")[1].split("```")[0]
exec(compile(example, page, "exec"))  # defines `avalanches`

arrays = dict(np.load(generated))  # read once
about = onnxruntime.InferenceSession(network).get_modelmeta().custom_metadata_map
meta = json.loads(str(arrays["meta"]))
edges = [np.linspace(axis["low"], axis["high"], axis["bins"] + 1) for axis in meta["grid"]["axes"]]
grid = json.loads(about["grid"])
assert all(np.allclose(edges, grid[name]) for name, edges in zip("xzt", edges)), grid
assert json.loads(about["units"]) == dict(zip("xzt", meta["townsend"]["units"])), about

offsets = arrays["offsets"]
shape = [len(e) + 1 for e in reversed(edges)]


def counted(index):
    part = slice(offsets[index], offsets[index + 1])
    dense = np.zeros(np.prod(shape), int)
    dense[arrays["cells"][part]] = arrays["counts"][part]
    return dense.reshape(shape)


def observables(all):
    """Number of electrons, and mean and width along each axis of those avalanches that have two or more."""
    out = [[cells.sum() for cells in all]]
    full = [cells for cells in all if cells.sum() > 1]
    for axis in range(len(shape)):
        place = np.arange(shape[axis])
        sums = [cells.sum(tuple(other for other in range(len(shape)) if other != axis)) for cells in full]
        mean = [(s * place).sum() / s.sum() for s in sums]
        out += [mean, [np.sqrt((s * (place - m) ** 2).sum() / s.sum()) for s, m in zip(sums, mean)]]
    return out


events = len(offsets) - 1
ours, theirs = [counted(i) for i in range(events)], list(avalanches(network, events))
assert all(cells.shape == tuple(shape) for cells in theirs)
empty = [sum(cells.sum() == 0 for cells in all) for all in (ours, theirs)]
assert abs(empty[0] - empty[1]) <= 4.5 * np.sqrt(sum(empty) + 1), empty
assert 0 < empty[0] < events / 2, empty
probabilities = [stats.ks_2samp(a, b).pvalue for a, b in zip(observables(ours), observables(theirs))]
print(f"{events} avalanches, {empty} empty, probabilities {[f'{p:.3f}' for p in probabilities]}")
assert min(probabilities) > 1e-3, probabilities
