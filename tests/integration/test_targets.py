"""What people type."""

import subprocess
import sys

import pytest
import yaml
from snakemake_runs import ROOT, planned_jobs, snakemake, workspace

DEMO = ("--configfile", "config/demo.yaml")


@pytest.mark.parametrize(
    ("target", "made", "left_alone"),
    [
        ("data", {"grid_fields", "compute_moments"}, {"sample_pairs"}),
        ("atmodist", {"train_atmodist", "calibrate_content_loss"}, {"pretrain_generator"}),
        ("srgan", {"train_srgan"}, {"evaluate_srgan"}),
        ("evaluation", {"merge_evaluation"}, {"figure_energy_spectrum"}),
        ("representations", {"export_representations"}, {"train_srgan"}),
        ("models", {"export_atmodist", "export_generator", "summary"}, {"figure_maps"}),
        ("figures", {"figure_energy_spectrum", "figure_maps"}, {"summary"}),
        ("figure_energy_spectrum", {"merge_evaluation", "figure_energy_spectrum"}, {"figure_maps"}),
        ("results/demo/figures/energy_spectrum.pdf", {"figure_energy_spectrum"}, {"figure_maps"}),
    ],
)
def test_target_plans_what_its_name_says(tmp_path, target, made, left_alone):
    folder = workspace(tmp_path / "demo")
    run = snakemake(folder, target, "--dry-run", "--quiet", "rules", *DEMO, cores=None)
    assert run.returncode == 0, run.stdout
    jobs = planned_jobs(run.stdout)
    assert made <= jobs.keys()
    assert not left_alone & jobs.keys()


def test_list_of_targets_says_what_each_is(tmp_path):
    run = snakemake(workspace(tmp_path / "list"), "--list-target-rules")
    lines = dict(line.split(" (", 1) for line in run.stdout.splitlines() if line.endswith(")"))
    assert {"all", "data", "atmodist", "srgan", "evaluation", "figures", "summary"} <= lines.keys()
    assert all(len(meaning) > 2 for meaning in lines.values())


@pytest.mark.parametrize(
    ("figure", "key"),
    [
        ("autoencoder_curves", "autoencoder.models"),
        ("reconstructions", "autoencoder.models"),
        ("inpainting", "inpainting.models"),
        ("inpainting_curves", "inpainting.models"),
        ("inpainting_scores", "inpainting.models"),
        ("jet_latitudes", "jet.sectors"),
        ("jet_probe", "jet.sectors"),
        ("jet_series", "jet.sectors"),
    ],
)
def test_a_figure_of_an_empty_section_is_refused_when_asked_for(tmp_path, figure, key):
    run = snakemake(workspace(tmp_path), "-n", f"figure_{figure}", cores=None)
    assert run.returncode == 1
    assert f"in rule figure_{figure} " in run.stdout
    assert f"{key} is empty: there is nothing for this figure to draw" in run.stdout


def test_a_figure_without_anything_to_draw_is_refused_when_asked_for(tmp_path):
    folder = workspace(tmp_path)
    changes = {
        "uncertainty": {"lag_hours": 240},
        "srgan": {"models": {"l2": None, "atmodist": None, "l1": {"content": "mse"}}},
    }
    (folder / "edit.yaml").write_text(yaml.safe_dump(changes))
    for figure, reason in (
        ("uncertainty", "no model of atmodist.models knows the lag of uncertainty.lag_hours"),
        ("predictability", "no model of atmodist.models knows the lag of uncertainty.lag_hours"),
        ("lag_losses", "no model has an encoder in its content loss"),
        ("city_map", "srgan.models holds no two models to compare"),
    ):
        run = snakemake(folder, "-n", "--configfile", "edit.yaml", "--", f"figure_{figure}", cores=None)
        assert run.returncode == 1
        assert f"{reason}: there is nothing for this figure to draw" in run.stdout, run.stdout


def test_a_source_is_not_compared_with_itself(tmp_path):
    folder = workspace(tmp_path)
    (folder / "same.yaml").write_text("data: {spot_check: {against: arco}}")
    run = snakemake(folder, "-n", "--configfile", "same.yaml", "--", "spot_check", cores=None)
    assert run.returncode == 1
    assert "data.spot_check.against is arco, as is data.source; expected another archive" in run.stdout


def test_a_synthetic_source_is_compared_with_no_archive(tmp_path):
    run = snakemake(workspace(tmp_path), "-n", *DEMO, "--", "spot_check", cores=None)
    assert run.returncode == 1
    assert "data.source is synthetic; a spot check compares two of arco, era5 and files" in run.stdout


@pytest.mark.parametrize("weights", ["nowhere", "config/README.md", "nowhere.h5"])
def test_weights_that_are_not_there_are_named_with_their_key(tmp_path, weights):
    folder = workspace(tmp_path)
    (folder / "theirs.yaml").write_text(f"atmodist: {{models: {{m: {{weights: {weights}}}}}}}")
    run = snakemake(folder, "-n", "--configfile", "theirs.yaml", "--", "atmodist", cores=None)
    assert run.returncode == 1
    assert f"config key atmodist.models.m.weights is {weights}; expected a model folder" in run.stdout


@pytest.mark.parametrize(
    "script",
    [
        "workflow/study_page.py",
        "workflow/keep_seed.py",
        "workflow/pin_environments.py",
        "config/reference.py",
    ],
)
def test_a_script_says_what_it_does(script):
    run = subprocess.run(
        [sys.executable, ROOT / script, "--help"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("usage: ")


def test_cluster_profile_works_from_a_fresh_clone(tmp_path):
    folder = workspace(tmp_path / "clone")
    profile = ("--profile", "slurm", "--software-deployment-method", "env-modules")  # no conda here
    run = snakemake(folder, *profile, "--dry-run", "--quiet", "rules", cores=None)
    assert run.returncode == 0, run.stdout
    assert "Error" not in run.stdout
    assert planned_jobs(run.stdout)["grid_fields"] == 312
