"""ERA5 from an archive, and files that one has: from nothing to fields on the grid, through the workflow."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import shtools
import yaml
from snakemake_runs import ROOT, TINY, snakemake, workspace
from standin_archive import KEY, StandInArchive, coefficients, truth

from atmodist.core.periods import Period, months
from atmodist.data import levels, store
from atmodist.data.climate_data_store import mars_request
from atmodist.data.spectral import synthesise, to_cilm

pytestmark = pytest.mark.timeout(900)

COEFFICIENTS = ROOT / "resources/levels/l137.csv"
TRUNCATION = 31
VARIABLES = ["divergence", "vorticity"]
DATA = {
    "source": "era5",
    "train": {"start": "1979-12-25", "end": "1980-01-05"},
    "eval": {"start": "1981-01-01", "end": "1981-01-05"},
    "download": {
        "request": {"resol": TRUNCATION},
        "retry": {"attempts": 4, "first_wait": 0.05, "longest_wait": 0.2, "timeout": 10},
    },
}
# The days are too few for the jet, and for pairs of each lag.
OTHERS = {
    "figures": {"time": "1981-01-03T12:00"},
    "jet": {"sectors": {"storm-track": None}},
    "pairs": {"per_time": 32},
}
MADE = [f"results/tiny/{name}" for name in ("grid/train.h5", "grid/eval.h5", "moments.json")]
PRESSURE = "results/tiny/level_pressure.json"


def asked(folder, *targets, **data):
    """Arguments of a run that makes ``targets`` in ``folder`` from the source that ``data`` describes."""
    (folder / "source.yaml").write_text(yaml.safe_dump({"data": DATA | data, **OTHERS}))
    return (*TINY, "source.yaml", "--", *targets)


def credentials(archive, folder):
    return {"CDSAPI_URL": archive.url, "CDSAPI_KEY": KEY, "HOME": str(folder)}


class Queue:
    """Keeps requests queued until ``count`` wait at once and a moment has shown whether more come."""

    def __init__(self, count, seconds=5):
        self.count, self.seconds = count, seconds
        self.most, self.since = 0, None

    def __call__(self, stage):
        self.most = max(self.most, len(self.archive.unserved))
        if self.most >= self.count and self.since is None:
            self.since = time.monotonic()
        passed = self.since is not None and time.monotonic() > self.since + self.seconds
        return "queued" if stage == "status" and not passed else None


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """A folder that an archive has filled with gridded ERA5, and the requests that it got, in order."""
    folder = workspace(tmp_path_factory.mktemp("era5"))
    with StandInArchive(truncation=TRUNCATION) as archive, command_lines() as seen:
        run = snakemake(folder, *asked(folder, *MADE, PRESSURE), cores=8, **credentials(archive, folder))
    assert run.returncode == 0, run.stdout
    (folder / "seen.txt").write_text("\n".join([run.stdout, *sorted(seen)]))
    return folder, [job.request for job in archive.jobs.values()]


@contextmanager
def command_lines():
    """The command lines of all processes of the machine that show in the meantime, as `ps` shows them."""
    seen, over = set(), threading.Event()

    def look():
        while not over.wait(0.02):
            for process in psutil.process_iter(["cmdline"]):
                seen.add(" ".join(process.info["cmdline"] or []))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield seen
    finally:
        over.set()
        watch.join()


def test_the_key_is_in_no_file_no_output_and_no_command_line(downloaded):
    folder, _ = downloaded
    assert "download_era5" in (folder / "seen.txt").read_text()
    made = folder / "results", folder / ".snakemake"
    files = [folder / "seen.txt", *(path for part in made for path in part.rglob("*") if path.is_file())]
    assert any(path.match("logs/download_era5/*.log") for path in files)
    assert any(path.match("benchmarks/download_era5/*.tsv") for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_surface_pressure_is_asked_for_by_the_month_after_that_months_fields(downloaded):
    asked_for = [(request["date"], request["param"]) for request in downloaded[1]]
    months_of_training = ["1979-12-25/to/1979-12-31", "1980-01-01/to/1980-01-05"]
    assert sorted(asked_for) == [
        (months_of_training[0], "152"),
        (months_of_training[0], "155/138"),
        (months_of_training[1], "152"),
        (months_of_training[1], "155/138"),
        ("1981-01-01/to/1981-01-05", "155/138"),
    ]
    for month in months_of_training:
        assert asked_for.index((month, "155/138")) < asked_for.index((month, "152"))


def test_five_requests_go_to_the_archive_four_at_a_time(tmp_path):
    folder, queue = workspace(tmp_path / "queue"), Queue(4)
    train = {"start": "1979-09-30", "end": "1980-01-02"}
    others = {"eval": {"start": "1981-01-01", "end": "1981-01-20"}}
    others |= {"validation": {"start": "1982-01-01", "end": "1982-01-20"}, "step_hours": 12}
    targets = [f"results/tiny/spectral/{period.name}.grib" for period in months(**train)]
    assert len(targets) == 5
    with StandInArchive(queue, truncation=TRUNCATION) as queue.archive:
        run = snakemake(
            folder,
            *asked(folder, *targets, train=train, **others),
            cores=8,
            **credentials(queue.archive, folder),
        )
    assert run.returncode == 0, run.stdout
    assert queue.most == 4


def test_the_grid_holds_what_the_archive_has(downloaded):
    fields = store.Fields(downloaded[0] / MADE[0])
    assert fields.shape == (2, 96, 64, 128)
    assert fields.time[[0, -1]].astype(str).tolist() == ["1979-12-25T00", "1980-01-05T21"]
    for index in (0, 55, 56, 95):  # 56 times lie in December
        for variable, field in zip(fields.variables, fields.read(index), strict=True):
            packed = coefficients(variable, fields.time[index], TRUNCATION)
            expected = shtools.synthesise(to_cilm(packed))
            assert np.abs(field - expected).max() < 1e-3 * expected.std()


def test_moments_are_those_of_the_fields(downloaded):
    folder, _ = downloaded
    fields = store.Fields(folder / MADE[0])
    values = np.stack([fields.read(time) for time in range(96)], axis=1).reshape(2, -1).astype(np.float64)
    moments = json.loads((folder / MADE[2]).read_text())
    np.testing.assert_allclose(moments["mean"], values.mean(1), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(moments["std"], values.std(1), rtol=1e-9)


def test_pressure_of_the_level_is_that_of_the_surface_pressure_served(downloaded):
    days = np.arange("1979-12-25", "1980-01-06", dtype="datetime64[D]").astype("datetime64[h]")
    surface = [
        np.exp(synthesise(to_cilm(coefficients("log_surface_pressure", day, TRUNCATION)))) for day in days
    ]
    pressure = levels.pressure(np.stack(surface), 120, levels.read_coefficients(COEFFICIENTS))
    found = json.loads((downloaded[0] / PRESSURE).read_text())
    assert found["unit"] == "hPa"
    assert found["grid_mean"] == pytest.approx(pressure.mean() / 100, rel=1e-5)
    assert found["grid_std"] == pytest.approx(pressure.std() / 100, rel=1e-3)


def test_other_limits_of_what_is_plausible_download_nothing_again(downloaded):
    folder, _ = downloaded
    arguments = asked(folder, *MADE, PRESSURE, bounds={"vorticity": [1e-9, 1], "divergence": [1e-9, 1]})
    run = snakemake(folder, "--dry-run", *arguments)
    assert run.returncode == 0, run.stdout
    assert "Nothing to be done" in run.stdout


def test_files_that_one_has_give_the_same_fields_and_are_not_copied(downloaded, tmp_path):
    keywords = {"class": "ea", "expver": "1", "stream": "oper", "type": "an", "levtype": "ml"}
    for split in ("train", "eval"):
        for period in months(**DATA[split]):
            request = mars_request(period.times(3), VARIABLES, 120, keywords)
            path = tmp_path / f"mine/{period.start.year}/{period.start.month:02d}_ml120.grib"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(truth(request, truncation=TRUNCATION))
    folder = workspace(tmp_path / "files")
    pattern = f"{tmp_path}/mine/{{year}}/{{month:02d}}_*.grib"
    run = snakemake(folder, *asked(folder, *MADE, source="files", files={"pattern": pattern}))
    assert run.returncode == 0, run.stdout
    mine = store.Fields(folder / MADE[0])
    theirs = store.Fields(downloaded[0] / MADE[0])
    assert all(np.array_equal(mine.read(time), theirs.read(time)) for time in range(96))
    assert (folder / MADE[2]).read_bytes() == (downloaded[0] / MADE[2]).read_bytes()
    links = list((folder / "results/tiny/spectral").glob("*.grib"))
    assert len(links) == 3
    assert all(link.is_symlink() for link in links)
    assert not (folder / PRESSURE).exists()


def test_a_killed_run_goes_on_with_the_requests_in_the_queue(tmp_path):
    folder = workspace(tmp_path / "killed")
    first, second = (f"results/tiny/spectral/{period.name}.grib" for period in months(**DATA["train"]))
    arguments = asked(folder, first, second)
    with StandInArchive(lambda stage: "queued" if stage == "status" else None, truncation=31) as archive:
        environment = os.environ | credentials(archive, folder)
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        process = subprocess.Popen(
            command, cwd=folder, env=environment, start_new_session=True, stderr=subprocess.DEVNULL
        )
        tickets = folder / "results/tiny/spectral"
        deadline = time.monotonic() + 120
        while len(list(tickets.glob(".*.ticket.json"))) < 2:
            assert time.monotonic() < deadline, "nothing is in the queue"
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        archive.misbehave = lambda stage: None
        assert snakemake(folder, *TINY, "source.yaml", "--unlock").returncode == 0
        run = snakemake(folder, *arguments, **credentials(archive, folder))
        assert run.returncode == 0, run.stdout
        assert run.stdout.count("picking up request") == 2
        assert archive.count("POST", "/execution") == 2
    for path in (first, second):
        period = Period.parse(Path(path).stem)
        keywords = next(iter(archive.jobs.values())).request
        request = keywords | mars_request(period.times(3), VARIABLES, 120, {})
        assert (folder / path).read_bytes() == truth(request, truncation=31)


def test_fields_that_are_not_kept_are_gone_and_not_made_again(downloaded, tmp_path):
    folder = workspace(tmp_path / "not kept")
    (folder / "results/tiny").mkdir(parents=True)
    pattern = f"{downloaded[0]}/results/tiny/spectral/{{start}}_{{end}}.grib"
    wanted = [f"results/tiny/{name}" for name in ("moments.json", "patches/train/00000.h5", "snapshot.nc")]
    arguments = asked(folder, *wanted, source="files", files={"pattern": pattern})
    config = yaml.safe_load((folder / "source.yaml").read_text())
    (folder / "source.yaml").write_text(yaml.safe_dump(config | {"grid": {"keep": False}}))
    run = snakemake(folder, *arguments)
    assert run.returncode == 0, run.stdout
    assert not list((folder / "results/tiny/grid").glob("*.h5"))
    assert (folder / wanted[0]).read_bytes() == (downloaded[0] / MADE[2]).read_bytes()
    run = snakemake(folder, *arguments)
    assert "Nothing to be done" in run.stdout
