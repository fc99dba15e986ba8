"""The recipes of docs/extending.md work: applied to a copy of the repository, they give what they promise."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from extensions import apply, copy_of_the_repository, recipe
from snakemake_runs import ROOT, TINY, copy_results, planned_jobs, snakemake

pytestmark = pytest.mark.timeout(1800)


def copy_with_results(finished, folder):
    """A copy of the repository in which the tiny config has run."""
    copy_of_the_repository(folder)
    copy_results(finished, folder)
    return folder


def test_a_metric_and_its_figure(finished, tmp_path):
    folder = copy_with_results(finished, tmp_path / "copy")
    apply("A metric and its figure", folder)
    command = re.search(r"`snakemake .*?--configfile \S+ (.*?)`", recipe("A metric and its figure"))[1]
    run = snakemake(folder, *TINY, "--rerun-triggers", "mtime", *command.split())
    assert run.returncode == 0, run.stdout
    systems = ("truth", "bilinear", "l2", "atmodist")
    found = [xr.load_dataset(folder / f"results/tiny/evaluation/{system}.nc") for system in systems]
    for each in found:
        assert each["skewness"].dims == ("block", "variable")
        assert np.isfinite(each["skewness"]).all()
    assert not np.array_equal(found[0]["skewness"], found[1]["skewness"])
    assert (folder / "results/tiny/figures/skewness.png").exists()
    test = folder / "tests/unit/evaluation/test_metrics.py"
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", folder, "-k", "skewness", test],
        env=os.environ | {"PYTHONPATH": f"{folder}/workflow/scripts:{folder}/tests"},
        text=True,
        capture_output=True,
        check=False,
    )
    assert "1 passed" in tests.stdout, tests.stdout


def test_an_ablation(finished, tmp_path):
    folder = copy_with_results(finished, tmp_path / "copy")
    (file,) = apply("An ablation", folder)
    run = snakemake(folder, *TINY, file, "--dry-run", "--quiet", "rules", cores=None)
    assert run.returncode == 0, run.stdout
    jobs = planned_jobs(run.stdout)
    assert jobs["train_srgan"] == 1
    assert not {"train_atmodist", "pretrain_generator", "sample_patches"} & jobs.keys()


def test_every_file_that_a_recipe_names_exists_unless_it_makes_it():
    text = (ROOT / "docs/extending.md").read_text()
    made = {"figure_skewness.py", "skewness.rst", "stage3.yaml"}
    for name in set(re.findall(r"`((?:workflow|config|tests)/[\w./-]+)`", text)):
        assert (ROOT / name).exists() or name.split("/")[-1] in made, name
