"""The examples of docs/library.md run, on small stand-ins for what the demo leaves behind."""

import re
from pathlib import Path

import fields
import models
import numpy as np
import pytest

from atmodist.data import store

PAGE = (Path(__file__).parents[2] / "docs/library.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.S)
ROWS = 128


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """A folder with a demo's model folders and evaluation fields."""
    monkeypatch.chdir(tmp_path)
    network = {"stages": [4, 4, 64, 8], "blocks": 1, "patch": 32, "classes": 23}
    about = {"grid_spacing": 180 / ROWS, "latitude": (-60, 60)}
    models.write("results/demo/models/atmodist/lags-23", network=network, **about)
    models.write("results/demo/models/srgan/atmodist", "generator", **about)
    times = fields.hours("2001-08-01", 80)
    values, latitude, longitude = fields.random_fields(times, ROWS)
    path = Path("results/demo/grid/eval.h5")
    path.parent.mkdir(parents=True)
    arrays = (
        (name, time, values[channel, index])
        for index, time in enumerate(times)
        for channel, name in enumerate(fields.VARIABLES)
    )
    store.write_fields(path, fields.VARIABLES, times, latitude, longitude, arrays)


def test_there_are_examples_of_everything():
    text = "".join(EXAMPLES)
    for name in (
        "AtmoDist.from_pretrained",
        "features",
        "lag_logits",
        "FrechetAtmoDist",
        "evaluate",
        "super_resolve",
    ):
        assert name in text


@pytest.mark.filterwarnings("error::UserWarning")
def test_the_examples_run(demo):
    names = {}
    for example in EXAMPLES:
        exec(compile(example, "docs/library.md", "exec"), names)
    assert names["distance"].shape == (8,)
    assert names["maps"].shape == (8, 32, 32)
    assert names["features"].shape == (80, 64, 2, 2)
    assert ((names["hours"] >= 3) & (names["hours"] <= 69)).all()
    assert abs(names["estimate"].grad).max() > 0
    assert names["result"].sizes["time"] == 48
    assert np.isfinite(names["result"]["mean_interval"]).all()
    assert names["fine"].shape == names["high"].shape
    np.testing.assert_allclose(names["fine"]["latitude"], names["high"]["latitude"])
