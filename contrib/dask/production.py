#!/usr/bin/env python3
"""Avalanches of a model by many workers of Dask, kept as a table of observables, as shards, or both.

    python production.py MODEL EVENTS [--shards N] [--out FOLDER] [--slurm]

    >>> from dask.distributed import Client
    >>> import production
    >>> table = production.observables(Client(), "microscopic_275", 1000, shards=4)
    >>> len(table)
    1000

Workers need the Python module, and see the file of the model under the same name.
"""

import argparse
import pathlib
import sys

import cloudpickle
import pandas
from dask.distributed import Client

import townsend

# Workers on other nodes have the Python module, but not this file: its functions travel with the tasks.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def shard(model, events, number, shards, **options):
    """One of so many shards, drawn on one thread: Dask has one task for each."""
    return townsend.load(model).generate(events, shard=f"{number}/{shards}", threads=1, **options)


def saved(model, events, number, shards, folder, **options):
    """Writes a shard that `townsend merge` takes; one that is there is whole and stays. Returns its name."""
    file = pathlib.Path(folder) / f"{number:06}.npz"
    if not file.exists():
        shard(model, events, number, shards, **options).save(file)
    return str(file)


def described(model, events, number, shards, **options):
    """The observables of a shard; its avalanches are forgotten."""
    avalanches = shard(model, events, number, shards, **options)
    return pandas.DataFrame(townsend.observables(avalanches))


def submit(client, task, model, events, shards, *more, **options):
    """What a task gives for each shard, in their order."""

    def of_shard(number):
        return task(model, events, number, shards, *more, **options)

    return client.gather(client.map(of_shard, range(1, shards + 1), pure=False))


def save(client, model, events, shards, folder, **options):
    """Writes all shards; returns their names."""
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    return submit(client, saved, model, events, shards, folder, **options)


def observables(client, model, events, shards, **options):
    """The observables of all avalanches as one table, in the order of their numbers."""
    return pandas.concat(submit(client, described, model, events, shards, **options), ignore_index=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="run, single-file model, or detector that ships")
    parser.add_argument("events", type=lambda text: int(float(text)), help="avalanches in all")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="folder for the shards; without one only observables are kept")
    parser.add_argument("--slurm", action="store_true", help="workers are jobs of Slurm (dask-jobqueue)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--interface", help="network of the workers, such as lo or ib0")
    arguments = parser.parse_args()
    if arguments.slurm:
        from dask_jobqueue import SLURMCluster

        cluster = SLURMCluster(cores=1, memory="1GB", interface=arguments.interface)
        cluster.scale(arguments.workers)
    else:
        from dask.distributed import LocalCluster

        cluster = LocalCluster(n_workers=arguments.workers, threads_per_worker=1)
    what = (arguments.model, arguments.events, arguments.shards)
    with cluster, Client(cluster) as client:
        if arguments.out:
            files = save(client, *what, arguments.out, seed=arguments.seed)
            print(f"{len(files)} shards in {arguments.out}; townsend merge {arguments.out}/*.npz --out FILE.npz")
        else:
            print(observables(client, *what, seed=arguments.seed).describe().T.to_string())


if __name__ == "__main__":
    main()
