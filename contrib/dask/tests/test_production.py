"""Dask's workers, on this machine and as jobs of a Slurm of one node."""

import pathlib
import sys

import numpy
import townsend
from dask.distributed import Client, LocalCluster

HERE = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "slurm/tests")]

import production  # noqa: E402
from conftest import slurm  # noqa: E402, F401

MODEL = "microscopic_275"


def test_a_table_of_observables_is_that_of_one_process(tmp_path):
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        table = production.observables(client, MODEL, 200, shards=3, seed=5)
        files = production.save(client, MODEL, 200, 3, tmp_path / "parts", seed=5)
    alone = townsend.load(MODEL).generate(200, seed=5)
    numpy.testing.assert_array_equal(table["n_electrons"], townsend.observables(alone)["n_electrons"])
    numpy.testing.assert_array_equal(table["mean_x"], townsend.observables(alone)["mean_x"])
    assert townsend.read(files) == alone


def test_workers_are_jobs_of_slurm(slurm, tmp_path, monkeypatch):  # noqa: F811
    from dask_jobqueue import SLURMCluster

    for name in ["PATH", "SLURM_CONF"]:
        monkeypatch.setenv(name, slurm.environment[name])
    options = {"cores": 1, "memory": "1GB", "interface": "lo", "log_directory": str(tmp_path / "logs")}
    with SLURMCluster(**options, scheduler_options={"dashboard_address": None}) as cluster:
        cluster.scale(1)
        with Client(cluster) as client:
            client.wait_for_workers(1, timeout=120)
            table = production.observables(client, MODEL, 50, shards=2)
    alone = townsend.observables(townsend.load(MODEL).generate(50))
    numpy.testing.assert_array_equal(table["n_electrons"], alone["n_electrons"])
