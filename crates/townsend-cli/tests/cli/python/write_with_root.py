"""Writes a file of histograms as an analysis would, and one of other classes; prints the number of electrons."""
import sys

import numpy as np
import ROOT

filled, other = sys.argv[1:]
random = np.random.default_rng(1)
file = ROOT.TFile(filled, "RECREATE")
file.mkdir("run7").cd()
electrons = 0
for index in range(12):
    h2 = ROOT.TH2F(f"h2_{index}", "run 7;x [mm];z [mm]", 90, -1.5, 1.5, 90, -1.5, 1.5)
    h3 = ROOT.TH3I(f"h3_{index}", "run 7;x [mm];z [mm];t [ns]", 30, -1.5, 1.5, 30, -1.5, 1.5, 30, 130, 220)
    for x, z, t in random.normal((0, 0, 175), (0.3, 0.3, 10), (50 * index, 3)):
        h2.Fill(x, z)
        h3.Fill(x, z, t)
        electrons += 1
    h2.Write()
    h3.Write()
file.Close()
file = ROOT.TFile(other, "RECREATE")
ROOT.TProfile("gain", "mean gain", 10, 0, 1).Write()
ROOT.TGraph(3).Write("points")
ROOT.TNamed("operator", "on shift").Write()
file.Close()
print(electrons)
