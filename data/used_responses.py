#!/usr/bin/env python3
"""Which responses of single foils were avalanches composed of, and how many of the avalanches should then be empty?

usage: used_responses.py triple_gem_275.npz single_gem_library.npz

The avalanches know where their primary electron started and how many electrons there were after each foil; an electron took the
response of one of the 12 nearest starts, folded with the symmetry of the lattice. So a number after the first foil that none
of the 12 has tells that others were nearest: for each number of responses, counted from the first, the script counts these.
For the other foils, whose electrons' places are not known, it gives the likelihood of the numbers. Needs NumPy and SciPy.
"""
import sys

import numpy as np
from scipy.spatial import cKDTree

PITCH_UM = 140.0
LATTICE = np.array([[PITCH_UM, 0.0], [PITCH_UM / 2, PITCH_UM * np.sqrt(3) / 2]])
NEAREST = 12
FEW_PARENTS = 30  # of more, the sum of children is taken as normal
FOILS = "a1", "a2", "a3"


def fold(points):
    """Points of the lattice in the twelfth of a cell that its symmetry leaves."""
    corner = np.floor(points @ np.linalg.inv(LATTICE))
    from_holes = np.stack([points - (corner + hole) @ LATTICE for hole in ((0, 0), (1, 0), (0, 1), (1, 1))])
    x, z = from_holes[(from_holes**2).sum(-1).argmin(0), np.arange(len(points))].T
    angle = np.arctan2(z, x) % (np.pi / 3)
    angle = np.minimum(angle, np.pi / 3 - angle)
    return np.hypot(x, z)[:, None] * np.c_[np.cos(angle), np.sin(angle)]


def responses(library, name):
    """Folded starts, and how many children each has."""
    start, electrons = library[f"{name}_start"], library[f"{name}_electrons"]
    row = {int(number): k for k, number in enumerate(start[:, 0])}
    children = np.bincount([row[int(number)] for number in electrons[:, 0]], minlength=len(start))
    return fold(start[:, 1:3].astype(float)), children


def composed(starts, children, used, places):
    """Distribution of the number of children of electrons at these places, composed of the first `used` responses."""
    nearest = cKDTree(starts[:used]).query(places, NEAREST)[1]
    return np.bincount(children[nearest.ravel()], minlength=children.max() + 1) / nearest.size


def log_likelihood(parents, children, distribution):
    values = np.arange(len(distribution))
    mean = distribution @ values
    variance = distribution @ values**2 - mean**2
    few = (parents > 0) & (parents <= FEW_PARENTS)
    many = parents > FEW_PARENTS
    total = 0.0
    size = 1 << int(np.ceil(np.log2(FEW_PARENTS * len(distribution))))
    transform = np.fft.rfft(distribution, size)
    for number in np.unique(parents[few]):
        total += np.log(np.maximum(np.fft.irfft(transform**number, size)[children[few & (parents == number)]], 1e-9)).sum()
    spread = parents[many] * variance
    return total - 0.5 * ((children[many] - parents[many] * mean)**2 / spread + np.log(spread)).sum()


def main(avalanches, library):
    data, library = np.load(avalanches), np.load(library)
    after = data["n_after_gem"].astype(int)
    known = [responses(library, name) for name in FOILS]
    starts, children = known[0]
    places = fold(data["start_um"].astype(float))

    def missing(used):
        nearest = cKDTree(starts[:used]).query(places, NEAREST)[1]
        return int((children[:used][nearest] != after[:, :1]).all(1).sum())

    candidates = range(NEAREST, len(starts) + 1)
    coarse = min(candidates[::25], key=missing)
    used = [min(range(max(NEAREST, coarse - 30), min(coarse + 30, len(starts)) + 1), key=missing)]
    print(f"{FOILS[0]}: {missing(used[0])} of {len(places)} numbers are not among those of the first {used[0]} responses,"
          f" {missing(len(starts))} not among those of all {len(starts)}")

    even = fold(np.random.default_rng(1).random((100_000, 2)) @ LATTICE)
    for foil in (1, 2):
        starts, children = known[foil]
        fit = lambda used: log_likelihood(after[:, foil - 1], after[:, foil], composed(starts, children, used, even))
        likely = {used: fit(used) for used in (*range(100, len(starts), 10), len(starts))}
        used.append(max(likely, key=likely.get))
        within = [number for number in likely if likely[number] > likely[used[-1]] - 2]
        print(f"{FOILS[foil]}: the first {used[-1]} of {len(starts)} are most likely ({len(within)} numbers from {min(within)} to"
              f" {max(within)} within 2 of ln L), by {likely[used[-1]] - likely[len(starts)]:.1f} over all")
    for what, numbers in (("all", [len(starts) for starts, _ in known]), ("the used", used)):
        empty = 0.0
        for (starts, children), number in reversed(list(zip(known, numbers))):
            empty = np.polynomial.polynomial.polyval(empty, composed(starts, children, number, even))
        print(f"empty if composed of {what} responses: {empty:.4f}")
    empty = np.mean(after[:, 2] == 0)
    print(f"empty in the data: {empty:.4f} ± {np.sqrt(empty * (1 - empty) / len(after)):.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
