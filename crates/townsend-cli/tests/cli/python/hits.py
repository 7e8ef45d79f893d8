"""Compares hits in a ROOT tree, read by uproot and by ROOT, with those in an npz; prints what they add up to."""
import json
import sys

import numpy as np
import ROOT
import uproot

tree, arrays = sys.argv[1:]
wanted = np.load(arrays)
TYPES = {"event": "uint64", "layer": "uint32", "sheet": "uint32", "view": "uint32", "strip": "uint32"}
TYPES |= {"charge_fC": "float32", "time_ns": "float32"}
assert set(wanted.files) == set(TYPES) | {"meta"}, wanted.files
assert all(wanted[name].dtype == kind for name, kind in TYPES.items())
provenance = json.loads(str(wanted["meta"]))["townsend"]["provenance"]
assert provenance["action"] == "readout" and provenance["seed"] == 1, provenance

branches = uproot.open(tree)["hits"].arrays(library="np")
assert list(branches) == list(TYPES), list(branches)
columns = ROOT.RDataFrame("hits", tree).AsNumpy()
for name in TYPES:
    assert np.array_equal(branches[name], wanted[name]), f"{name}, uproot"
    assert np.array_equal(columns[name], wanted[name]), f"{name}, ROOT"

order = np.lexsort((wanted["strip"], wanted["view"], wanted["event"]))
assert np.array_equal(order, np.arange(len(order))), "by event, view and strip"
x = wanted["view"] == 0
charge = wanted["charge_fC"].astype(float)
print(len(order), np.count_nonzero(x), f"{charge[x].mean():.3f} {charge[~x].mean():.3f}")
