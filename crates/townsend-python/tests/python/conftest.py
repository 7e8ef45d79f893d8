import os
import pathlib

import pytest

import townsend

REPOSITORY = pathlib.Path(os.environ["TOWNSEND_REPOSITORY"])
SMALL = {"model": {"family": "clusters"}, "training": {"sweeps": 10, "electrons": 4000}}


@pytest.fixture
def work(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def microscopic():
    return townsend.load("microscopic_275")


@pytest.fixture(scope="session")
def voltages():
    """A cascade that knows the voltage of each foil."""
    return townsend.train("cascade-voltages", REPOSITORY / "data/single_foils.npz")


@pytest.fixture(scope="session")
def simulated():
    return townsend.simulate(60, "cgem", seed=5)


@pytest.fixture(scope="session")
def trained(simulated):
    return townsend.train(SMALL, simulated)
