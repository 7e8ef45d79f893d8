import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import slurm as cluster  # noqa: E402


@pytest.fixture(scope="session")
def slurm():
    # The name of a socket has 107 bytes at most, so the folder is not one of pytest's.
    folder = tempfile.mkdtemp(prefix="slurm-", dir="/tmp")
    try:
        with cluster.Slurm(folder) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)
