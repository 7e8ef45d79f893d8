#!/usr/bin/env python3
"""Cuts the files of this folder out of the full microscopic data set (README.md tells where that comes from).

usage: cut.py triple_gem_275.npz single_gem_library.npz single_B_train.npz single_C_train.npz

Needs NumPy and ROOT's Python. Writes avalanches_2d.root, avalanches.npz, electrons.npz, single_foils.npz, single_foils_1t.npz,
single_foils_ar_co2.npz and garfield_endpoints.txt.gz into the current folder.
"""
import gzip
import json
import sys

import numpy as np
import ROOT

HISTOGRAMS = 3000
WITH_TIMES = 1000
ELECTRONS = 40
FOILS = "a1", "a2", "a3", "h1", "h2", "h3"
FOILS_1T, FOILS_AR_CO2 = ("m1", "m2", "m3"), ("c1", "c2", "c3")
SOURCE = "Garfield++ single-GEM responses composed to a triple GEM at 275/275/275 V, Ar/iC4H10 90/10, B = 0; see data/README.md"


def responses(path, names, out):
    """The columns that are read; positions to 1/16 µm and times to 1/512 ns, so that they pack well."""
    data, kept = np.load(path), {}
    for name in names:
        start, electrons = data[f"{name}_start"], data[f"{name}_electrons"]
        kept[f"{name}_start"] = start[:, :3].astype(np.float32)
        electrons = electrons.astype(np.float32)
        electrons[:, 4:6] = np.round(electrons[:, 4:6] * 16) / 16
        electrons[:, 7] = np.round(electrons[:, 7] * 512) / 512
        electrons[:, [1, 2, 3, 6]] = 0
        kept[f"{name}_electrons"] = electrons
    np.savez_compressed(out, **kept)


def endpoints(path):
    """The responses of the first foil as a macro of Garfield++ prints them: cm and ns, relative to the primary electron.

    The first line of an avalanche is the primary electron where it starts (status 0), so that empty ones are there too.
    """
    data, children = np.load(path), {}
    for electron in data["a1_electrons"].astype(float):
        children.setdefault(electron[0], []).append(electron)
    lines = ["event x y z t status"]
    for number, x0, y0, z0 in data["a1_start"][:, :4].astype(float):
        lines.append(f"{number:.0f} 0 0 {z0 * 1e-4:g} 0 0")
        for _, _, _, _, x, y, z, t in children.get(number, []):
            lines.append(
                f"{number:.0f} {round((x - x0) * 1e-4, 5):g} {round((y - y0) * 1e-4, 5):g} {z * 1e-4:.3g} {t:.2f} -1")
    with open("garfield_endpoints.txt.gz", "wb") as file:
        file.write(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))


def main(path, library, at_1t, ar_co2):
    responses(library, FOILS, "single_foils.npz")
    responses(at_1t, FOILS_1T, "single_foils_1t.npz")
    responses(ar_co2, FOILS_AR_CO2, "single_foils_ar_co2.npz")
    endpoints(library)
    data = np.load(path)
    offsets = data["offsets"].astype(np.int64)
    columns = {name: data[name] for name in "xzt"}  # read once: each access unpacks the whole array

    file = ROOT.TFile("avalanches_2d.root", "RECREATE", "", 509)
    note = {"producer": "data/cut.py", "action": "cut", "source": SOURCE}
    ROOT.TNamed("townsend", json.dumps(note)).Write()
    for k in range(HISTOGRAMS):
        x, z = (columns[name][offsets[k]:offsets[k + 1]].astype(float) for name in "xz")
        histogram = ROOT.TH2F(f"h2_{k}", "electrons at the anode", 90, -1.5, 1.5, 90, -1.5, 1.5)
        histogram.SetDirectory(0)
        histogram.GetXaxis().SetTitle("x [mm]")
        histogram.GetYaxis().SetTitle("z [mm]")
        if len(x):
            histogram.FillN(len(x), x, z, np.ones(len(x)))
        file.WriteObject(histogram, histogram.GetName())
    file.Close()

    # Sorted by x within each avalanche, and times rounded, so that they pack well. Positions as rounded as they were: steps of
    # 1/256 mm already show in the correlation of pairs of electrons.
    end = offsets[WITH_TIMES]
    own = np.repeat(np.arange(WITH_TIMES), np.diff(offsets[:WITH_TIMES + 1]))
    order = np.lexsort((columns["x"][:end], own))
    rounded = {name: (np.round(columns[name][:end][order].astype(float) * steps) / steps).astype(np.float32)
               for name, steps in (("x", 512), ("z", 512), ("t", 8))}
    meta = {"townsend": {"units": ["mm", "mm", "ns"], "provenance": note}}
    np.savez_compressed("avalanches.npz", offsets=offsets[:WITH_TIMES + 1].astype(np.uint64), **rounded, meta=np.array(json.dumps(meta)))

    first, last = HISTOGRAMS, HISTOGRAMS + ELECTRONS
    chosen = slice(offsets[first], offsets[last])
    meta = {"townsend": {"units": ["mm", "mm", "ns"], "provenance": note}}
    np.savez_compressed("electrons.npz", offsets=(offsets[first:last + 1] - offsets[first]).astype(np.uint64),
                        **{name: column[chosen] for name, column in columns.items()}, meta=json.dumps(meta))


if __name__ == "__main__":
    main(*sys.argv[1:])
