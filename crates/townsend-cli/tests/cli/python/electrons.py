"""Compares the electrons of an npz with a ROOT tree made of it, read by uproot and by ROOT, and an npz made of that."""
import json
import sys

import numpy as np
import ROOT
import uproot

original, tree, back = sys.argv[1:]
wanted, copied = np.load(original), np.load(back)
for name in ("offsets", "x", "z", "t"):
    assert np.array_equal(wanted[name], copied[name]), name
    assert copied[name].dtype == ("int64" if name == "offsets" else "float32"), name
meta = json.loads(str(copied["meta"]))
assert meta["townsend"]["units"] == ["mm", "mm", "ns"], meta
assert meta["townsend"]["provenance"]["inputs"][0]["file"] == "tree.root", meta

offsets = wanted["offsets"]
branches = uproot.open(tree)["avalanches"].arrays(library="np")
file = ROOT.TFile(tree)
count = len(offsets) - 1
assert list(branches["avalanche"]) == list(range(count))
for index, entry in enumerate(file.Get("avalanches")):
    for name in "xzt":
        values = wanted[name][offsets[index] : offsets[index + 1]]
        assert np.array_equal(values, branches[name][index]), f"{name} of {index}, uproot"
        assert np.array_equal(values, np.asarray(getattr(entry, name), dtype=np.float32)), f"{name} of {index}, ROOT"
assert index + 1 == count
print(f"{count} avalanches agree")
