"""What a seed of the study leaves, and what a seed plans."""

import shutil

import pandas as pd
import pytest
from snakemake_runs import TINY, planned_jobs, snakemake, workspace

from atmodist.evaluation import study, study_seed

pytestmark = pytest.mark.timeout(1800)
SEED = ("--config", "name=study-4", "seed=4")
TABLE = "results/study-4/study/draws.csv"


MORE = ["config/study-all.yaml", "config/study-longer.yaml"]


@pytest.mark.parametrize(("more", "losses", "encoders"), [([], 8, 1), (MORE, 18, 2)])
def test_a_seed_plans_its_losses_and_no_figures(tmp_path, more, losses, encoders):
    folder = workspace(tmp_path / "study")
    files = ("--configfile", "config/study.yaml", *more)
    run = snakemake(folder, *files, *SEED, "--dry-run", "--quiet", "rules", "--", TABLE, cores=None)
    assert run.returncode == 0, run.stdout
    jobs = planned_jobs(run.stdout)
    assert jobs["train_srgan"] == losses
    assert jobs["train_atmodist"] == encoders
    assert jobs["evaluate_srgan"] == losses + 2
    assert not {"measure_orderings", "figure_maps", "summary"} & jobs.keys()


def test_what_is_kept_of_a_seed_are_the_numbers_of_the_summary(finished, tmp_path):
    folder = tmp_path / "tiny"
    shutil.copytree(finished, folder, symlinks=True)
    run = snakemake(folder, *TINY, "--", "results/tiny/study/draws.csv")
    assert run.returncode == 0, run.stdout
    shutil.copytree(folder / "results/tiny/study", tmp_path / "study/seed-2021")
    (seed,) = study_seed.read(tmp_path / "study")
    summary = pd.read_csv(folder / "results/tiny/summary.csv", keep_default_na=False)
    kept = {measure.quantity for measure in study.MEASURES.values()}
    compared = summary[(summary["group"] == "super_resolution") & summary["quantity"].isin(kept)]
    assert set(compared["quantity"]) == kept
    for (system, quantity), rows in compared.groupby(["system", "quantity"]):
        values = seed.samples("super_resolution", system, quantity)
        expected = rows.sort_values("variable")["value"].astype(float)
        assert values[0] == pytest.approx(expected.to_numpy(), rel=1e-5)
        assert len(values) > 100
    assert set(seed.models()) == {"l2", "atmodist"}
    assert 0 < seed.balance("l2") < 5
    assert {"train_srgan/l2", "simulate_atmosphere"} <= {
        job if job.startswith("train") else job.split("/")[0] for job in seed.tables["jobs"]["job"]
    }
