"""Rules that ask for no GPU run where none is, though the config trains on GPUs and in bfloat16."""

import models
import numpy as np
import pytest
import torch
import trainings
import xarray as xr
from fields import hours, write_period

ON_GPUS = {**trainings.HARDWARE, "device": "gpu", "precision": "bf16-mixed"}


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


def test_fields_are_averaged_over_a_sector(tmp_path):
    write_period(tmp_path / "grid.h5", hours("2001-01-01", 16))
    models.MOMENTS.save(tmp_path / "moments.json")
    params = {"box": {"latitude": [20, 70], "longitude": [300, 360]}, "source": "fields", "layer": None}
    params |= {"hours": [0, 12], "step_hours": 3}
    inputs = {"fields": "grid.h5", "moments": "moments.json", "encoder": []}
    trainings.run("average_sector", tmp_path, inputs, {"features": "features.nc"}, params, ON_GPUS)
    assert np.isfinite(xr.load_dataset(tmp_path / "features.nc", engine="h5netcdf").to_array()).all()


def test_laplaces_equation_fills_squares(tmp_path):
    trainings.write_pairs(tmp_path / "pairs.h5", count=40)
    models.MOMENTS.save(tmp_path / "moments.json")
    params = {"fill": "laplace", "settings": None, "batch_size": 8}
    params |= {"patch": 32, "variables": trainings.VARIABLES}
    inputs = {"pairs": ["pairs.h5"], "moments": "moments.json", "weights": []}
    trainings.run("evaluate_inpainting", tmp_path, inputs, {"scores": "scores.nc"}, params, ON_GPUS)
    scores = xr.load_dataset(tmp_path / "scores.nc", engine="h5netcdf")["scores"]
    assert np.isfinite(scores.sel(system="laplace")).all()
