"""Compares generated histograms, read by uproot and by ROOT, with the same avalanches as sparse counts in an npz."""
import json
import sys

import numpy as np
import ROOT
import uproot

root, npz = sys.argv[1:]
arrays = np.load(npz)
meta = json.loads(str(arrays["meta"]))
assert meta["townsend"]["provenance"]["action"] == "generate", meta
assert meta["townsend"]["provenance"]["seed"] == 1, meta
axes = [(axis["bins"], axis["low"], axis["high"]) for axis in meta["grid"]["axes"]]
assert axes == [(90, -1.5, 1.5)] * 2, axes
offsets, cells, counts = arrays["offsets"], arrays["cells"], arrays["counts"]
by_uproot, by_root = uproot.open(root), ROOT.TFile(root)
total = 0
for index in range(len(offsets) - 1):
    part = slice(offsets[index], offsets[index + 1])
    dense = np.zeros(92 * 92)
    dense[cells[part]] = counts[part]
    name = f"h2_{index}"
    assert np.array_equal(by_uproot[name].values(flow=True).T.ravel(), dense), name
    read = by_root.Get(name)
    assert np.array_equal([read.GetBinContent(cell) for cell in range(92 * 92)], dense), name
    assert read.GetEntries() == dense.sum(), name
    total += int(dense.sum())
print(f"{len(offsets) - 1} avalanches, {total} electrons agree")
