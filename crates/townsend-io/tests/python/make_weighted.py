"""Makes `fixtures/weighted.root` with ROOT: two histograms filled with weights of 1.25, on axes in cm."""
import sys

import ROOT

file = ROOT.TFile(sys.argv[1], "RECREATE")
for number, fills in enumerate([[(0.01, 0.02)] * 4 + [(-0.03, 0.01)] * 3, [(0.0, 0.0)] * 5]):
    histogram = ROOT.TH2F(f"h2_{number}", "weighted;x [cm];z (cm)", 10, -0.15, 0.15, 10, -0.15, 0.15)
    histogram.Sumw2()
    for x, z in fills:
        histogram.Fill(x, z, 1.25)
    histogram.Write()
file.Close()
