"""Electron avalanches in gas detectors: learned from a microscopic simulation, and sampled anew.

>>> import townsend
>>> model = townsend.load("microscopic_275")
>>> avalanches = model.generate(1000)
"""

import os

from townsend._errors import (
    AccessError,
    DefectError,
    Error,
    ExistsError,
    FileError,
    FolderError,
    KindError,
    MissingPackageError,
    NotFoundError,
    OutOfMemoryError,
    UsageError,
    Warning,
)
from townsend._townsend import (
    Avalanche,
    Avalanches,
    Check,
    Model,
    __build__,
    __version__,
    _after_fork,
    check,
    config,
    configs,
    detector,
    detectors,
    gain,
    inspect,
    load,
    observables,
    read,
    readout,
    set_threads,
    simulate,
    threads,
    train,
)

__all__ = [
    "AccessError",
    "Avalanche",
    "Avalanches",
    "Check",
    "DefectError",
    "Error",
    "ExistsError",
    "FileError",
    "FolderError",
    "KindError",
    "MissingPackageError",
    "Model",
    "NotFoundError",
    "OutOfMemoryError",
    "UsageError",
    "Warning",
    "__build__",
    "__version__",
    "check",
    "config",
    "configs",
    "detector",
    "detectors",
    "gain",
    "inspect",
    "load",
    "observables",
    "read",
    "readout",
    "set_threads",
    "simulate",
    "threads",
    "train",
]

# Threads do not follow into a forked process, such as a worker of a data loader.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
