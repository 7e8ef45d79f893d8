"""Prints what ROOT reads from histograms: a JSON object a line, keys in the order of the file."""

import json
import sys

import numpy
import ROOT

ROOT.TH1.AddDirectory(False)
TYPES = {"S": "i2", "I": "i4", "L": "i8", "F": "f4", "D": "f8"}


def nonzero(histogram):
    letter = histogram.ClassName()[3]
    if letter in TYPES:
        cells = numpy.frombuffer(histogram.GetArray(), TYPES[letter], histogram.GetNcells())
    else:
        cells = numpy.array([histogram.GetBinContent(i) for i in range(histogram.GetNcells())])
    return [[int(i), float(cells[i])] for i in numpy.flatnonzero(cells)]


def axis(root_axis):
    edges = root_axis.GetXbins()
    return {
        "title": str(root_axis.GetTitle()),
        "bins": root_axis.GetNbins(),
        "low": root_axis.GetXmin(),
        "high": root_axis.GetXmax(),
        "edges": [edges.At(i) for i in range(edges.GetSize())],
    }


def describe(path, key):
    histogram = key.ReadObj()
    dimensions = histogram.GetDimension()
    statistics = numpy.zeros(20)
    histogram.GetStats(statistics)
    sumw2 = histogram.GetSumw2()
    axes = [histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()][:dimensions]
    return {
        "path": path,
        "cycle": key.GetCycle(),
        "class": histogram.ClassName(),
        "name": str(histogram.GetName()),
        "title": str(histogram.GetTitle()),
        "axes": [axis(a) for a in axes],
        "entries": histogram.GetEntries(),
        "statistics": statistics[: {1: 4, 2: 7, 3: 11}[dimensions]].tolist(),
        "sumw2": [sumw2.At(i) for i in range(sumw2.GetSize())],
        "cells": histogram.GetNcells(),
        "nonzero": nonzero(histogram),
    }


def walk(directory, prefix):
    for key in directory.GetListOfKeys():
        path = prefix + key.GetName()
        if "TDirectory" in key.GetClassName():
            walk(key.ReadObj(), path + "/")
        else:
            print(json.dumps(describe(path, key)))


def check_streamers(file):
    """The classes that the file describes are those that ROOT knows, member by member."""
    for info in file.GetStreamerInfoList():
        if info.IsA().GetName() != "TStreamerInfo":
            continue
        known = ROOT.TClass.GetClass(info.GetName()).GetStreamerInfo(info.GetClassVersion())
        assert info.GetCheckSum() == known.GetCheckSum(), info.GetName()
        members = [(e.GetName(), str(e.GetTypeName()), e.IsA().GetName()) for e in info.GetElements()]
        wanted = [(e.GetName(), str(e.GetTypeName()), e.IsA().GetName()) for e in known.GetElements()]
        assert members == wanted, (info.GetName(), members, wanted)


for name in sys.argv[1:]:
    with ROOT.TFile.Open(name) as root_file:
        assert not root_file.TestBit(ROOT.TFile.kRecovered)
        check_streamers(root_file)
        walk(root_file, "")
