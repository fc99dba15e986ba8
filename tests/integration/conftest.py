"""The whole chain on a tiny planet, run once for all tests that start from its results; and a Slurm."""

import os

import pytest
from filelock import FileLock
from slurm_cluster import MISSING, SlurmCluster
from snakemake_runs import TINY, snakemake, workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder in which the tiny config has run on one core; leave it as it is.

    Tests that run beside one another share it: who comes first makes it, the others wait.
    """
    place = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        place = place.parent
    folder, whole = place / "one core", place / "one core.whole"
    with FileLock(place / "one core.lock"):
        if not whole.exists():
            run = snakemake(workspace(folder), *TINY, cores=1, timeout=1500)
            assert run.returncode == 0, run.stdout
            whole.touch()
    return folder


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A Slurm; where its programs are missing, tests that need it are skipped, but not in CI."""
    if MISSING and not os.environ.get("CI"):
        pytest.skip(f"{', '.join(MISSING)} missing: apt-get install slurmctld slurmd slurm-client munge")
    assert not MISSING, f"{', '.join(MISSING)} missing"
    with SlurmCluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster
