"""Writes tables of hits with ROOT as other programs lay them out: python hits_of_others.py CROSSINGS.csv

geant4.root, cygno.root: a deposit of 5.9 keV in each of three events. The others: the crossings, in an EDM4hep tree
and RNTuple as podio writes them, and as PSimHit in a tree of CMS.
"""
import csv
import sys
from array import array

import numpy as np
import ROOT

ROOT.gInterpreter.Declare("""
#include <cstdint>
#include <vector>
namespace edm4hep {
struct Vector3d { double x, y, z; };
struct Vector3f { float x, y, z; };
struct EventHeaderData { std::int32_t eventNumber; std::int32_t runNumber; };
struct MCParticleData { std::int32_t PDG; float time; Vector3d vertex; Vector3d momentum; };
struct SimTrackerHitData {
  std::uint64_t cellID; float eDep; float time; float pathLength; std::int32_t quality; Vector3d position; Vector3f momentum;
};
}
namespace podio { struct ObjectID { int index; std::uint32_t collectionID; }; }
struct BasicVector { float theX, theY, theZ; };
struct Point { BasicVector theVector; };
struct PSimHit {
  Point theEntryPoint, theExitPoint; float thePabs, theTof, theEnergyLoss; int theParticleType; unsigned theDetUnitId, theTrackId;
};
""")

rows = list(csv.DictReader(open(sys.argv[1])))
events = sorted({int(row["event"]) for row in rows})
point = lambda row, what: np.array([float(row[f"{k}_{what}_mm"]) for k in "xyz"])

file = ROOT.TFile("geant4.root", "RECREATE")
tree = ROOT.TTree("hits", "steps")
names = ["eventID", "trackID", "x_cm", "y_cm", "z_cm", "Edep_MeV", "time_ns"]
cells = [array("i" if name.endswith("ID") else "d", [0]) for name in names]
for name, cell in zip(names, cells):
    tree.Branch(name, cell, f"{name}/{'I' if name.endswith('ID') else 'D'}")
for event in range(3):
    for cell, value in zip(cells, [event, 7 + event, 0.3, -0.2, -0.75, 0.0059, 10.0]):
        cell[0] = value
    tree.Fill()
tree.Write()
file.Close()

file = ROOT.TFile("cygno.root", "RECREATE")
tree = ROOT.TTree("nTuple", "events")
number = array("i", [0])
tree.Branch("eventnumber", number, "eventnumber/I")
lists = {name: ROOT.std.vector("double")() for name in ["x_hits", "y_hits", "z_hits", "energyDep_hits", "tracklen_hits"]}
lists |= {name: ROOT.std.vector("int")() for name in ["pdgID_hits", "trackID_hits"]}
for name, values in lists.items():
    tree.Branch(name, values)
for event in range(3):
    number[0] = event
    for values in lists.values():
        values.clear()
    # Two hits in the first event, none in the second, one in the third.
    for k in range([2, 0, 1][event]):
        hit = dict(x_hits=3, y_hits=-2, z_hits=-7.5, energyDep_hits=5.9, tracklen_hits=0.1, pdgID_hits=11, trackID_hits=4 + k)
        for name, values in lists.items():
            values.push_back(hit[name])
    tree.Fill()
tree.Write()
file.Close()


def edm4hep_hits(event, hits, particles):
    hits.clear()
    particles.clear()
    for k, row in enumerate(rows):
        if int(row["event"]) == event:
            entry, exit = point(row, "in"), point(row, "out")
            hit = ROOT.edm4hep.SimTrackerHitData()
            hit.pathLength, hit.eDep, hit.time = np.linalg.norm(exit - entry), 1e-3 * float(row["deposit_mev"]), 1.0
            momentum = 0.5 * (exit - entry) / np.linalg.norm(exit - entry)
            for axis, middle, p in zip("xyz", (entry + exit) / 2, momentum):
                setattr(hit.position, axis, middle)
                setattr(hit.momentum, axis, p)
            hits.push_back(hit)
            particle = ROOT.podio.ObjectID()
            particle.index = 100 + k
            particles.push_back(particle)


file = ROOT.TFile("edm4hep.root", "RECREATE")
tree = ROOT.TTree("events", "events tree")
branches = {
    "EventHeader": ROOT.std.vector("edm4hep::EventHeaderData")(1),
    "MCParticles": ROOT.std.vector("edm4hep::MCParticleData")(2),
    "CGEMHits": ROOT.std.vector("edm4hep::SimTrackerHitData")(),
    "_CGEMHits_particle": ROOT.std.vector("podio::ObjectID")(),
}
for name, value in branches.items():
    tree.Branch(name, value)
for event in events:
    branches["EventHeader"][0].eventNumber = event
    edm4hep_hits(event, branches["CGEMHits"], branches["_CGEMHits_particle"])
    tree.Fill()
tree.Write()
file.Close()

model = ROOT.RNTupleModel.Create()
model.MakeField["std::vector<edm4hep::EventHeaderData>"]("EventHeader")
model.MakeField["std::vector<edm4hep::SimTrackerHitData>"]("CGEMHits")
model.MakeField["std::vector<podio::ObjectID>"]("_CGEMHits_particle")
writer = ROOT.RNTupleWriter.Recreate(model, "events", "edm4hep_rntuple.root")
entry = writer.CreateEntry()
for event in events:
    header = entry["EventHeader"]
    header.resize(1)
    header[0].eventNumber = event
    edm4hep_hits(event, entry["CGEMHits"], entry["_CGEMHits_particle"])
    writer.Fill(entry)
del writer

file = ROOT.TFile("psimhit.root", "RECREATE")
tree = ROOT.TTree("Events", "")
hits = ROOT.std.vector("PSimHit")()
tree.Branch("PSimHits_g4SimHits_GEMHits_SIM.obj", hits)
for event in events:
    hits.clear()
    for k, row in enumerate(rows):
        if int(row["event"]) == event:
            hit = ROOT.PSimHit()
            for where, what in ((hit.theEntryPoint, "in"), (hit.theExitPoint, "out")):
                for axis, value in zip("XYZ", point(row, what)):
                    setattr(where.theVector, "the" + axis, value / 10)
            hit.theTof, hit.theEnergyLoss, hit.theTrackId = 1.0, 1e-3 * float(row["deposit_mev"]), 100 + k
            hits.push_back(hit)
    tree.Fill()
tree.Write()
file.Close()
