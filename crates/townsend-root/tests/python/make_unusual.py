"""Makes tests/fixtures/unusual.root: histograms as ROOT can leave them, which users' files seldom hold."""

import sys

import ROOT

ROOT.TH1.AddDirectory(False)
with ROOT.TFile.Open(sys.argv[1], "RECREATE") as file:
    waiting = ROOT.TH1F("waiting", "fills wait for their axis", 10, 0, 0)
    waiting.Fill(1.0)
    waiting.Fill(2.0)
    file.WriteObject(waiting, "waiting")

    emptied = ROOT.TH1F("emptied", "the buffer was emptied", 10, 0, 0)
    emptied.Fill(1.0)
    emptied.Fill(2.0)
    emptied.BufferEmpty(1)
    file.WriteObject(emptied, "emptied")

    referenced = ROOT.TH2S("referenced", "something points to it", 2, 0, 2, 2, 0, 2)
    pointer = ROOT.TRef(referenced)
    referenced.Fill(0.5, 1.5)
    file.WriteObject(referenced, "referenced")

    labelled = ROOT.TH2D("labelled", "labels on both axes", 2, 0, 2, 2, 0, 2)
    labelled.Fill("one", "a", 2.5)
    labelled.Fill("two", "b", 1.0)
    labelled.GetXaxis().ChangeLabel(1, -1, 0.1)
    labelled.SetContour(5)
    labelled.SetOption("colz")
    file.WriteObject(labelled, "labelled")

    fitted = ROOT.TH1D("fitted", "two functions", 20, -3, 3)
    fitted.FillRandom("gaus", 100)
    fitted.Fit("gaus", "Q0")
    fitted.Fit("pol1", "Q0+")
    file.WriteObject(fitted, "fitted")
