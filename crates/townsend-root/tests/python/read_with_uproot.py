"""Prints what uproot reads from histograms: a JSON object a line, keys in the order of the file."""

import json
import sys

import numpy
import uproot

SUMS = {
    1: ["fTsumw", "fTsumw2", "fTsumwx", "fTsumwx2"],
    2: ["fTsumwy", "fTsumwy2", "fTsumwxy"],
    3: ["fTsumwz", "fTsumwz2", "fTsumwxz", "fTsumwyz"],
}


def axis(model):
    edges = model.member("fXbins")
    return {
        "title": model.member("fTitle"),
        "bins": model.member("fNbins"),
        "low": model.member("fXmin"),
        "high": model.member("fXmax"),
        "edges": [float(edge) for edge in edges],
    }


def describe(path, cycle, histogram):
    dimensions = int(histogram.classname[2])
    # uproot gives x first; ROOT counts it fastest.
    values = numpy.asarray(histogram.values(flow=True)).T.ravel()
    return {
        "path": path,
        "cycle": cycle,
        "class": histogram.classname,
        "name": histogram.name,
        "title": histogram.title,
        "axes": [axis(histogram.member(name)) for name in ["fXaxis", "fYaxis", "fZaxis"][:dimensions]],
        "entries": histogram.member("fEntries"),
        "statistics": [histogram.member(sum) for n in range(1, dimensions + 1) for sum in SUMS[n]],
        "sumw2": [float(value) for value in histogram.member("fSumw2")],
        "cells": histogram.member("fNcells"),
        "nonzero": [[int(i), float(values[i])] for i in numpy.flatnonzero(values)],
    }


for name in sys.argv[1:]:
    with uproot.open(name) as root_file:
        assert "TH1" in root_file.file.streamers
        for full in root_file.keys(recursive=True, filter_classname="TH*"):
            path, cycle = full.rsplit(";", 1)
            print(json.dumps(describe(path, int(cycle), root_file[full])))
