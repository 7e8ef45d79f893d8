"""Composes avalanches at 1 T of recorded responses, as the sets were composed that models are compared with, without any code of townsend:

    compose.py single_foils_1t.npz --half 1 --responses half1.npz --avalanches 3000 --seed 11 --out composed1.npz

An electron takes one of the 12 responses that start nearest to it, after the translations of the lattice and z -> -z; the response stays with its hole, and each
electron drifts through what is left of the gap with the transport measured at 1 T (shift along -x, spreads, correlation of x and time). --half takes a random half of
the responses of each foil, always the same one of the two; --responses writes those. Needs numpy and scipy.
"""
import argparse

import numpy as np
from scipy.spatial import cKDTree

PITCH_UM = 140.0
VECTORS = np.array([[PITCH_UM, 0.0], [PITCH_UM / 2, PITCH_UM * np.sqrt(3) / 2]])
TO_PARTS = np.linalg.inv(VECTORS)
NEIGHBOURS = 12
# Length left between the planes (mm), drift velocity (um/ns), tangent of the Lorentz angle, spreads along x and z and along the drift (um for 1 cm), correlation of
# the displacements along x and in time: 3, 3 and 5 kV/cm, 1 T.
GAPS = [(1.76, 34.54, 0.1888, 390, 379, 169, 0.22)] * 2 + [(1.88, 35.11, 0.1139, 359, 356, 156, 0.16)]
FOILS = ("m1", "m2", "m3")


def half(arrays, which):
    """One of two random halves of the responses of each foil."""
    rng, kept = np.random.default_rng(19), {}
    for foil in FOILS:
        start, electrons = arrays[f"{foil}_start"], arrays[f"{foil}_electrons"]
        order = rng.permutation(len(start))
        numbers = start[np.sort(order[which - 1 :: 2]), 0]
        kept[f"{foil}_start"] = start[np.isin(start[:, 0], numbers)]
        kept[f"{foil}_electrons"] = electrons[np.isin(electrons[:, 0], numbers)]
    return kept


class Foil:
    """The responses of a foil with their images in the cell and in those around it."""

    def __init__(self, arrays, name):
        start, electrons = arrays[f"{name}_start"], arrays[f"{name}_electrons"]
        place = {int(number): k for k, number in enumerate(start[:, 0])}
        own = np.array([place[int(number)] for number in electrons[:, 0]])
        order = np.argsort(own, kind="stable")
        self.offsets = np.searchsorted(own[order], np.arange(len(start) + 1))
        self.children = electrons[order][:, [4, 5, 7]]
        points, self.response, self.sign, self.shift = [], [], [], []
        for sign in (1, -1):
            at = start[:, 1:3] * [1, sign]
            home = np.floor(at @ TO_PARTS)
            for i in (-1, 0, 1):
                for j in (-1, 0, 1):
                    shift = (-home + [i, j]) @ VECTORS
                    points.append(at + shift)
                    self.response.append(np.arange(len(at)))
                    self.sign.append(np.full(len(at), sign))
                    self.shift.append(shift)
        self.tree = cKDTree(np.concatenate(points))
        self.response, self.sign, self.shift = map(np.concatenate, (self.response, self.sign, self.shift))

    def respond(self, parents, gap, rng):
        """Electrons (x, z in um, t in ns) below the gap, of those above the foil."""
        if len(parents) == 0:
            return parents
        cell = np.floor(parents[:, :2] @ TO_PARTS) @ VECTORS
        _, nearest = self.tree.query(parents[:, :2] - cell, k=NEIGHBOURS)
        taken = nearest[np.arange(len(parents)), rng.integers(0, NEIGHBOURS, len(parents))]
        response, sign, shift = self.response[taken], self.sign[taken], self.shift[taken] + cell
        numbers = self.offsets[response + 1] - self.offsets[response]
        parent = np.repeat(np.arange(len(parents)), numbers)
        first = np.repeat(self.offsets[response] - np.cumsum(numbers) + numbers, numbers)
        child = self.children[first + np.arange(numbers.sum())]
        length, velocity, tangent, spread_x, spread_z, spread_t, correlation = gap
        root = np.sqrt(length / 10)
        late, x, z = rng.standard_normal((3, len(child)))
        x = spread_x * root * (correlation * late + np.sqrt(1 - correlation**2) * x)
        return np.c_[
            child[:, 0] + shift[parent, 0] - 1000 * length * tangent - x,
            child[:, 1] * sign[parent] + shift[parent, 1] + spread_z * root * z,
            child[:, 2] + parents[parent, 2] + (1000 * length + spread_t * root * late) / velocity,
        ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("file")
    arguments.add_argument("--half", type=int, choices=(1, 2))
    arguments.add_argument("--responses")
    arguments.add_argument("--avalanches", type=int, default=3000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", required=True)
    given = arguments.parse_args()
    arrays = np.load(given.file)
    if given.half:
        arrays = half(arrays, given.half)
    if given.responses:
        np.savez_compressed(given.responses, **{name: arrays[name] for name in arrays})
    foils, rng = [Foil(arrays, name) for name in FOILS], np.random.default_rng(given.seed)
    offsets, sets = [0], []
    for _ in range(given.avalanches):
        start = rng.random(2) @ VECTORS
        electrons = np.array([[*start, 0.0]])
        for foil, gap in zip(foils, GAPS):
            electrons = foil.respond(electrons, gap, rng)
        sets.append((electrons - [*start, 0.0]) * [1e-3, 1e-3, 1.0])
        offsets.append(offsets[-1] + len(electrons))
    x, z, t = np.concatenate(sets).astype(np.float32).T
    np.savez(given.out, offsets=np.array(offsets), x=x, z=z, t=t, meta="x, z in mm, t in ns")


if __name__ == "__main__":
    main()
