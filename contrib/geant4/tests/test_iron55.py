"""A real Geant4 hands deposits to the module: contrib/geant4/iron55.py, in a process of its own, since there is one
run manager in each."""

import os
import subprocess
import sys

import numpy as np

EVENTS = 24
PROGRAM = f"""
import sys
sys.path.insert(0, sys.argv[1])
import iron55, numpy, townsend
rows = iron55.deposits_of_geant4({EVENTS})
model = townsend.load("planar_triple_gem")
hits, primaries = iron55.strip_hits({EVENTS}, rows, model, iron55.as_placed("cgem"))
sizes = numpy.diff(model.generate(2000, seed=9).offsets)
numpy.savez("iron55.npz", rows=rows, primaries=primaries, gain=sizes.mean(), **hits)
"""


def test_photoelectrons_become_strip_hits():
    folder = os.path.join(os.environ["TOWNSEND_REPOSITORY"], "contrib", "geant4")
    # With CI set Geant4's wheel would fetch its data on import, unless it is told where they are.
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder], capture_output=True, text=True, env={**os.environ, "CI": "true"}
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "geant4-11" in run.stdout
    of = np.load("iron55.npz")
    # Every photoelectron leaves its energy at once: columns are event, x, z, height, time, energy.
    event, x, z, height, time, energy = of["rows"].T
    assert np.array_equal(event, np.arange(EVENTS))
    assert np.allclose(energy, 5900) and np.all((0 <= height) & (height <= 5)) and np.all(np.abs(x) <= 5)
    mean = 5900 / 26.1
    assert abs(of["primaries"].mean() - mean) < 4 * np.sqrt(0.18 * mean / EVENTS)
    charge, is_x = of["charge_fC"], of["view"] == 0
    for number in range(EVENTS):
        # The strips of the photoelectron's place, and after the drift from its height.
        here = (of["event"] == number) & is_x
        assert here.any()
        strip = np.average(of["strip"][here], weights=charge[here])
        assert abs((strip + 0.5 - 428) * 0.65 - x[number]) < 0.4, number
        first = of["time_ns"][here].min()
        assert 100 < first - height[number] / 0.0369 < 200, number
    # Charge is seen up to 50 fC a strip only, and 226 electrons make more than that.
    total = of["primaries"].sum() * of["gain"] * 1.602e-4
    assert 0.3 * total < charge.sum() < 1.1 * total
