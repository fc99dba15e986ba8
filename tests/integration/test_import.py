"""Weights from elsewhere take the place of a training run, and all that follows uses them."""

import keras_files
import pytest
import torch
import yaml
from snakemake_runs import TINY, copy_results, planned_jobs, snakemake, workspace

from atmodist import import_keras
from atmodist.distance import AtmoDist

pytestmark = pytest.mark.timeout(1800)
MODEL = "results/tiny/models/atmodist/lags-23"
EDIT = {
    "atmodist": {
        "defaults": {"stages": [4, 6, 8, 10]},
        "models": {"lags-23": {"weights": "model_weights.hdf5"}},
    }
}


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the finished chain, with the original's weights beside it."""
    folder = workspace(tmp_path / "import")
    copy_results(finished, folder)
    weights = keras_files.tensors(32, 23, stages=(4, 6, 8, 10), blocks=1)
    keras_files.write(folder / "model_weights.hdf5", weights)
    (folder / "edit.yaml").write_text(yaml.safe_dump(EDIT))
    return folder


def test_imported_weights_are_evaluated_calibrated_and_trained_with(folder):
    run = snakemake(folder, *TINY, "edit.yaml", "--dry-run", "--quiet", "rules")
    jobs = planned_jobs(run.stdout)
    assert jobs["import_atmodist"] == 1
    assert not {"train_atmodist", "figure_training_curves"} & jobs.keys()
    run = snakemake(folder, *TINY, "edit.yaml", "--", MODEL, "results/tiny/srgan/atmodist/training.csv")
    assert run.returncode == 0, run.stdout
    assert "rule train_atmodist" not in run.stdout
    assert "rule train_srgan" in run.stdout
    network = import_keras.load(folder / "model_weights.hdf5", 32)
    exported = AtmoDist.from_pretrained(folder / MODEL)
    for name, value in network.state_dict().items():
        assert torch.equal(exported.network.state_dict()[name], value), name
    assert set(exported.config.scales) == {"stage1", "stage2", "stage3", "stage4"}
    assert exported.config.about["weights_from"] == "model_weights.hdf5"


def test_a_network_that_does_not_fit_the_config_is_refused(folder):
    wrong = EDIT | {"atmodist": EDIT["atmodist"] | {"defaults": {"stages": [4, 4, 8, 8]}}}
    (folder / "edit.yaml").write_text(yaml.safe_dump(wrong))
    run = snakemake(folder, *TINY, "edit.yaml", "--", MODEL)
    assert run.returncode != 0
    assert "config key atmodist.models.lags-23.stages is [4, 4, 8, 8]" in run.stdout
