"""Compares h1_i, h2_i, h3_i of a file, read by uproot and by ROOT, with NumPy's and ROOT's own counting."""
import sys

import numpy as np
import ROOT
import uproot

electrons, histograms = sys.argv[1:]
arrays = np.load(electrons)
offsets = arrays["offsets"]
columns = [arrays[name].astype(np.float64) for name in "xzt"]
ranges = [(90, -1.5, 1.5), (90, -1.5, 1.5), (90, 130.0, 220.0)]
edges = [np.concatenate([[-np.inf], np.linspace(low, high, bins + 1), [np.inf]]) for bins, low, high in ranges]
classes = [ROOT.TH1D, ROOT.TH2D, ROOT.TH3D]
ROOT.TH1.AddDirectory(False)
by_uproot, by_root = uproot.open(histograms), ROOT.TFile(histograms)
compared = 0
for index in range(len(offsets) - 1):
    points = [column[offsets[index] : offsets[index + 1]] for column in columns]
    for dims in (1, 2, 3):
        name = f"h{dims}_{index}"
        counted, _ = np.histogramdd(points[:dims], edges[:dims])
        if dims == 1:
            counted = counted.ravel()
        got = by_uproot[name].values(flow=True)
        assert np.array_equal(got, counted), f"{name}: {np.argwhere(got != counted)[:5]}"

        filled = classes[dims - 1]("filled", "", *[value for axis in ranges[:dims] for value in axis])
        for point in zip(*points[:dims]):
            filled.Fill(*point)
        read = by_root.Get(name)
        cells = read.GetNcells()
        assert cells == filled.GetNcells() == counted.size, name
        # ROOT's cells run fastest along x, NumPy's along the last axis.
        assert np.array_equal(counted.T.ravel(), [read.GetBinContent(cell) for cell in range(cells)]), name
        assert np.array_equal(counted.T.ravel(), [filled.GetBinContent(cell) for cell in range(cells)]), name
        assert read.GetEntries() == len(points[0]), name
        assert read.GetXaxis().GetTitle() == "x [mm]", name
        compared += 1
print(f"{compared} histograms of {len(offsets) - 1} avalanches agree")
