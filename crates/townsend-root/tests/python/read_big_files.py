"""Prints path, entries and sum of weights of the small histograms in a file, first as ROOT and then as uproot reads it."""

import sys

import ROOT
import uproot

path = sys.argv[1]


def walk(directory, prefix):
    for key in directory.GetListOfKeys():
        name = prefix + key.GetName()
        if "TDirectory" in key.GetClassName():
            walk(key.ReadObj(), name + "/")
        elif key.GetName() != "large":
            histogram = key.ReadObj()
            print(name, histogram.GetEntries(), histogram.GetSumOfWeights())


with ROOT.TFile.Open(path) as root_file:
    assert not root_file.TestBit(ROOT.TFile.kRecovered)
    walk(root_file, "")

with uproot.open(path) as root_file:
    for name in root_file.keys(filter_classname="TH*", cycle=False):
        if name != "large":
            histogram = root_file[name]
            print(name, histogram.member("fEntries"), histogram.values().sum())
