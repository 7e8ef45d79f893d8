"""Figures of docs/readout.md: signals of the strips of a crossing, and the charges of an event on strips.

    python docs/figures/digits.py digits.npz waveforms.npz FOLDER
"""

import sys

import matplotlib
import numpy as np

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "townsend", "svg.fonttype": "none", "font.size": 9})
import matplotlib.pyplot as plt

EVENT, LAYER = 1, 1
digits, waves = np.load(sys.argv[1]), np.load(sys.argv[2])


def of(table, view):
    return (table["event"] == EVENT) & (table["layer"] == LAYER) & (table["view"] == view)


figure, axes = plt.subplots(figsize=(7, 3))
chosen = of(waves, 0)
for k, strip in enumerate(np.unique(waves["strip"][chosen])):
    rows = chosen & (waves["strip"] == strip)
    time = waves["time_ns"][rows]
    axes.bar(time - 2.5, waves["current_fC"][rows], width=5, color=f"C{k}", alpha=0.3)
    axes.plot(time, waves["output_fC"][rows], color=f"C{k}", label=f"X {strip}")
axes.axhline(3, color="grey", lw=0.7, ls=":")
axes.set(xlabel="time [ns]", ylabel="current [fC in 5 ns], output [fC]")
axes.legend(frameon=False)
figure.tight_layout()
figure.savefig(f"{sys.argv[3]}/waveform.svg", metadata={"Date": None})

figure, both = plt.subplots(1, 2, figsize=(7, 2.6), sharey=True)
for view, axes in enumerate(both):
    rows = of(digits, view)
    axes.bar(digits["strip"][rows], digits["charge_fC"][rows], color=f"C{view}", width=0.9)
    axes.set(xlabel=f"{'XV'[view]} strip")
both[0].set(ylabel="charge [fC]")
figure.tight_layout()
figure.savefig(f"{sys.argv[3]}/strips.svg", metadata={"Date": None})
