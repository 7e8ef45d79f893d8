"""Opens a file in UPDATE mode and adds a histogram, as a user may."""

import sys

import ROOT

with ROOT.TFile.Open(sys.argv[1], "UPDATE") as root_file:
    assert not root_file.TestBit(ROOT.TFile.kRecovered)
    histogram = ROOT.TH1F("added", "by ROOT", 3, 0, 3)
    histogram.Fill(1.5)
    histogram.Write()
