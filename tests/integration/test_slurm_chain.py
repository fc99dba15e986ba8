"""The workflow on a real Slurm: the whole chain, and what its jobs ask for."""

import re

import pytest
from snakemake_runs import ON_SLURM, edited, snakemake, workspace

pytestmark = pytest.mark.timeout(1800)
ON_GPUS = {
    "train_atmodist", "evaluate_atmodist", "measure_lag_losses", "pretrain_generator", "train_srgan",
}  # fmt: skip
# A group's name is followed by the names of its rules.
GROUPS = {"gridding_grid_fields", "sampling_pairs_sample_pairs", "sampling_patches_sample_patches"}
ON_CPUS = {"simulate_atmosphere", "compute_moments", *GROUPS}


def rule(job):
    """Rule or group of a Slurm job."""
    return re.sub("^rule_|_wildcards_.*", "", job["Comment"])


def test_chain_gives_the_numbers_of_one_machine(cluster, finished, tmp_path):
    """From nothing to the spectra of every system: every kind of job, and figures that are drawn here."""
    folder = workspace(tmp_path / "chain")
    target = "results/tiny/figures/energy_spectrum.pdf"
    configs = edited(folder)
    run = snakemake(
        folder, *ON_SLURM, *configs, "--", target, cores=None, timeout=1500, **cluster.environment
    )
    assert run.returncode == 0, run.stdout
    made = [path.relative_to(folder) for path in (folder / "results").rglob("*.nc")]
    assert {"truth.nc", "bilinear.nc", "l2.nc", "atmodist.nc"} < {path.name for path in made}
    for path in made:
        assert (folder / path).read_bytes() == (finished / path).read_bytes(), path
    jobs = cluster.jobs()
    rules = {rule(job) for job in jobs}
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert rules >= ON_GPUS | ON_CPUS
    assert not any(name.startswith(("figure_", "merge_", "summary")) for name in rules)
    assert sum(rule(job) == "gridding_grid_fields" for job in jobs) == 1  # three periods
    for job in jobs:
        trained = rule(job) == "evaluate_srgan" and not re.search("truth|bilinear", job["Comment"])
        if trained or rule(job) in ON_GPUS:
            assert job.get("TresPerJob") == "gres:gpu:1", job
        if rule(job) in ON_CPUS:
            assert "TresPerJob" not in job, job
        assert "mem=" in job["TRES"], job
        assert job["TimeLimit"] != "UNLIMITED", job
