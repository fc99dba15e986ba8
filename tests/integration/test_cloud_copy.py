"""ERA5 from its public cloud copy, truncated on arrival: from nothing to the grid, through the workflow."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import shtools
import yaml
from snakemake_runs import ROOT, TINY, snakemake, workspace
from standin_store import StandInStore, coefficients

from atmodist.core.periods import Period, months
from atmodist.data import grib, levels, store
from atmodist.data.packed import truncated
from atmodist.data.spectral import synthesise, to_cilm

pytestmark = pytest.mark.timeout(900)

T, ARCHIVE = 31, 42
VARIABLES = ["divergence", "vorticity"]
DAYS = {
    "train": {"start": "1979-12-25", "end": "1980-01-05"},
    "eval": {"start": "1981-01-01", "end": "1981-01-05"},
}
MADE = [f"results/tiny/{name}" for name in ("grid/train.h5", "grid/eval.h5", "moments.json")]
PRESSURE = "results/tiny/level_pressure.json"


def asked(folder, address, *targets, **data):
    """Arguments of a run that makes ``targets`` in ``folder`` from the stores below ``address``."""
    arco = {
        "wind": f"{address}/co/model-level-wind.zarr-v2",
        "surface": f"{address}/co/single-level-surface.zarr-v2",
        "retry": {"attempts": 3, "first_wait": 0.05, "longest_wait": 0.2, "timeout": 5},
    }
    settings = {"source": "arco", "archive_truncation": ARCHIVE, "arco": arco, **DAYS} | data
    # The days are too few for the jet, and for pairs of each lag.
    changes = {
        "data": settings,
        "figures": {"time": "1981-01-03T12:00"},
        "jet": {"sectors": {"storm-track": None}},
        "pairs": {"per_time": 32},
    }
    (folder / "source.yaml").write_text(yaml.safe_dump(changes))
    return (*TINY, "source.yaml", "--", *targets)


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """A folder that the store has filled with gridded ERA5."""
    folder = workspace(tmp_path_factory.mktemp("arco"))
    with StandInStore(truncation=ARCHIVE) as served:
        run = snakemake(folder, *asked(folder, served.url, *MADE, PRESSURE))
    assert run.returncode == 0, run.stdout
    return folder


def test_the_grid_holds_the_lower_degrees_of_what_the_store_has(downloaded):
    fields = store.Fields(downloaded / MADE[0])
    assert fields.shape == (2, 96, 2 * (T + 1), 4 * (T + 1))
    for index in (0, 55, 56, 95):  # 56 times lie in December
        for variable, field in zip(fields.variables, fields.read(index), strict=True):
            whole = to_cilm(coefficients(variable, fields.time[index], ARCHIVE))
            expected = shtools.synthesise(whole[:, : T + 1, : T + 1])
            assert np.abs(field - expected).max() < 1e-3 * expected.std()


def test_the_log_says_how_fast_it_was(downloaded):
    log = (downloaded / "results/tiny/logs/download_arco/1979-12-25_1979-12-31.log").read_text()
    assert "112 fields accepted" in log
    assert "MB/s" in log
    assert "downloading: 100%" in log


def test_pressure_of_the_level_is_that_of_the_store(downloaded):
    days = np.arange("1979-12-25", "1980-01-06", dtype="datetime64[D]").astype("datetime64[h]")
    packed = (truncated(coefficients("log_surface_pressure", day, ARCHIVE, 1), T) for day in days)
    surface = np.stack([np.exp(synthesise(to_cilm(each))) for each in packed])
    table = levels.read_coefficients(ROOT / "resources/levels/l137.csv")
    found = json.loads((downloaded / PRESSURE).read_text())
    pressure = levels.pressure(surface, 120, table)
    assert found["grid_mean"] == pytest.approx(pressure.mean() / 100, rel=1e-5)


def test_files_of_any_span_and_their_surface_pressure_give_the_same(downloaded, tmp_path):
    """A file a year of both variables in the archive's truncation, other days among them, and of surface."""
    for year, first, last in (
        ("1979", "12-20", "12-31"),
        ("1980", "01-01", "01-09"),
        ("1981", "01-01", "01-05"),
    ):
        times = Period.parse(f"{year}-{first}_{year}-{last}").times(3)
        fields = (
            grib.Field(variable, when, 120, coefficients(variable, when, ARCHIVE))
            for when in times for variable in VARIABLES
        )  # fmt: skip
        grib.write_fields(tmp_path / f"{year}.grib", fields, 24)
        surface = (
            grib.Field(name, when, 1, coefficients(name, when, ARCHIVE, 1))
            for when in times for name in ["log_surface_pressure"]
        )  # fmt: skip
        grib.write_fields(tmp_path / f"{year}.lnsp.grib", surface, 24)
    folder = workspace(tmp_path / "files")
    files = {"pattern": f"{tmp_path}/{{year}}.grib", "surface_pattern": f"{tmp_path}/{{year}}.lnsp.grib"}
    run = snakemake(folder, *asked(folder, "http://nowhere", *MADE, PRESSURE, source="files", files=files))
    assert run.returncode == 0, run.stdout
    mine, theirs = (store.Fields(place / MADE[0]) for place in (folder, downloaded))
    assert all(np.abs(mine.read(n) - theirs.read(n)).max() < 1e-3 * theirs.read(n).std() for n in range(96))
    mine, theirs = (json.loads((place / PRESSURE).read_text()) for place in (folder, downloaded))
    for number in ("mean", "std", "grid_mean", "grid_std"):
        assert mine[number] == pytest.approx(theirs[number], rel=1e-5)


def wait_until_still(folder, seconds=5):
    """Wait until no file in a folder has grown for a while."""
    seen, since = None, time.monotonic()
    while time.monotonic() < since + seconds:
        time.sleep(0.2)
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        if sizes != seen:
            seen, since = sizes, time.monotonic()


def test_a_killed_run_continues_with_the_fields_that_are_there(tmp_path):
    folder = workspace(tmp_path / "killed")
    first, second = (f"results/tiny/spectral/{period.name}.grib" for period in months(**DAYS["train"]))
    with StandInStore(truncation=ARCHIVE) as served:
        arguments = asked(folder, served.url, first, second)
        served.misbehave = lambda path: "stall" if sum(served.whole.values()) > 60 else None
        served.stall = 60
        command = [sys.executable, "-m", "snakemake", "--cores", "4", *arguments]
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ, start_new_session=True, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while served.injected["stall"] < 8:
            assert time.monotonic() < deadline, "nothing is fetched"
            time.sleep(0.1)
        wait_until_still(folder / "results/tiny/spectral")  # what is sent is not yet written
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        before = {path for path in served.whole if path.endswith(".0")}
        served.misbehave = None
        assert snakemake(folder, *TINY, "source.yaml", "--unlock").returncode == 0
        run = snakemake(folder, *arguments)
        assert run.returncode == 0, run.stdout
        assert "fields are here already" in run.stdout
        assert len(before) > 40
        assert all(served.whole[path] == 1 for path in before)
    assert not list((folder / "results/tiny/spectral").glob(".*"))


@pytest.mark.parametrize(
    ("address", "data", "sentence"),
    [
        ("http://127.0.0.1:9", {}, "cannot be opened .* is there a network"),
        (None, {"level": 121}, "cannot be had in 3 attempts .*404"),
        (None, {"archive_truncation": 63}, "has 1892 values a field; expected 4160, the coefficients of T63"),
    ],
)
def test_bad_input_is_told_in_a_sentence(tmp_path, address, data, sentence):
    folder = workspace(tmp_path / "bad")
    target = f"results/tiny/spectral/{months(**DAYS['train'])[0].name}.grib"
    with StandInStore(truncation=ARCHIVE) as served:
        run = snakemake(folder, *asked(folder, address or served.url, target, **data))
    assert run.returncode == 1
    (told,) = {
        line for line in run.stdout.splitlines() if line.startswith("download_arco") and "error: " in line
    }
    assert re.search(sentence, told)
