"""The whole chain on a tiny planet, run once for all tests that start from its results."""

import pytest
from snakemake_runs import TINY, snakemake, workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder in which the tiny config has run on two cores; leave it as it is."""
    folder = workspace(tmp_path_factory.mktemp("two cores"))
    run = snakemake(folder, *TINY)
    assert run.returncode == 0, run.stdout
    return folder
