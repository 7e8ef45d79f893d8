#!/usr/bin/env python3
"""Prints the tables of docs/garfield.md: the error of the gain by the number of primary electrons.

Needs NumPy and uproot; reads avalanches_2d.root and single_foils.npz of this folder.
"""
from pathlib import Path

import numpy as np
import uproot

HERE = Path(__file__).parent
FOILS = "a1", "a2", "a3"
# CPU time of Garfield++ (README.md), s: of an electron at the anode of the triple GEM, and of a response of a foil.
ELECTRON, RESPONSE = 0.1, 637 / 5196


def avalanches():
    """Numbers of electrons of the avalanches, those outside the histograms included."""
    with uproot.open(HERE / "avalanches_2d.root") as file:
        names = [name for name in file.keys(cycle=False) if name.startswith("h2_")]
        return np.array([file[name].values(flow=True).sum() for name in names])


def children(foil):
    """Numbers of electrons of the responses of a foil."""
    data = np.load(HERE / "single_foils.npz")
    numbers, rows = data[f"{foil}_start"][:, 0], data[f"{foil}_electrons"][:, 0]
    return np.array([np.count_nonzero(rows == number) for number in numbers])


def relative_variance(sizes):
    """f: the variance of all sizes over the square of their mean, empty ones included."""
    return sizes.var(ddof=1) / sizes.mean() ** 2


def duration(seconds):
    for unit, length in ("h", 3600), ("min", 60):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def main():
    whole = avalanches()
    foils = {f"foil {foil[1]}": children(foil) for foil in FOILS}
    print("| | primary electrons | electrons of each | error √(f/N) | f | empty |")
    print("|---|---|---|---|---|---|")
    for name, sizes in {"triple GEM": whole, **foils}.items():
        error = np.sqrt(relative_variance(sizes) / len(sizes))
        print(f"| {name} | {len(sizes):,} | {sizes.mean():,.4g} ± {error * sizes.mean():.2g} | {error:.1%} | "
              f"{relative_variance(sizes):.2f} | {np.mean(sizes == 0):.1%} |")
    print()
    print("| primary electrons | whole avalanches: error, CPU | responses of each of three foils: error, CPU |")
    print("|---|---|---|")
    summed = sum(relative_variance(sizes) for sizes in foils.values())
    for number in 25, 100, 300, 1000, 3000, 10000:
        print(f"| {number:,} | {np.sqrt(relative_variance(whole) / number):.1%}, {duration(ELECTRON * whole.mean() * number)} | "
              f"{np.sqrt(summed / number):.1%}, {duration(RESPONSE * len(FOILS) * number)} |")


if __name__ == "__main__":
    main()
