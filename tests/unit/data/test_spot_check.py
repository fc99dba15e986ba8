import csv

import numpy as np
import pytest
from fake_snakemake import run_script
from standin_archive import KEY, StandInArchive
from standin_store import StandInStore, coefficients, values

from atmodist.core.periods import Period
from atmodist.data import grib
from atmodist.data.archives import fetch
from atmodist.data.arrival import Request
from atmodist.data.grib import Field
from atmodist.data.spot_check import differences, spread_over

VARIABLES = ["divergence", "vorticity"]
TIMES = Period.parse("2008-08-26_2008-08-27").times(12)
T = 21
RETRY = {"attempts": 3, "first_wait": 0.01, "longest_wait": 0.1, "timeout": 5}


def fields(change=None):
    """Fields of the stand-in store, and a change to their coefficients."""
    for time in TIMES:
        for name in VARIABLES:
            packed = coefficients(name, time, T)
            yield Field(name, time, 120, change(name, time, packed) if change else packed)


def test_days_are_spread_from_the_first_to_the_last():
    found = spread_over([("2001-01-01", "2001-01-31")], 3)
    assert found.astype(str).tolist() == ["2001-01-01T12", "2001-01-16T12", "2001-01-31T12"]
    assert len(spread_over([("2001-01-01", "2001-01-02")], 5)) == 2


def test_days_between_splits_are_left_out():
    """Which may stand in any order."""
    spans = [("2001-01-01", "2001-01-02"), ("2001-05-01", "2001-05-01"), ("2001-03-01", "2001-03-02")]
    found = spread_over(spans, 5).astype(str).tolist()
    assert found == ["2001-01-01T12", "2001-01-02T12", "2001-03-01T12", "2001-03-02T12", "2001-05-01T12"]


def test_equal_archives_do_not_differ():
    found = list(differences(fields(), reversed(list(fields()))))
    assert [(each.variable, each.degree) for each in found] == [
        (v, n) for v in VARIABLES for n in range(T + 1)
    ]
    assert {each.relative for each in found} == {0}


def test_a_difference_is_found_at_its_degree_and_time_and_in_its_size():
    """A coefficient of order 3 counts twice in the mean square: its conjugate of order −3 is there, too."""
    n, m = 7, 3
    place = sum(T + 1 - order for order in range(m)) + n - m

    def change(name, time, packed):
        if name == "vorticity" and time == TIMES[2]:
            packed[place] += 3e-7
        return packed

    found = {(each.variable, each.degree): each for each in differences(fields(change), fields())}
    assert [key for key, each in found.items() if each.difference > 0] == [("vorticity", n)]
    each = found["vorticity", n]
    assert each.time == TIMES[2]
    assert each.difference == pytest.approx(np.sqrt(2) * 3e-7)
    whole = coefficients("vorticity", TIMES[2], T)
    places = [sum(T + 1 - k for k in range(order)) + n - order for order in range(n + 1)]
    size = np.sqrt(sum((1 if order == 0 else 2) * abs(whole[at]) ** 2 for order, at in enumerate(places)))
    assert each.relative == pytest.approx(np.sqrt(2) * 3e-7 / size)


def test_the_script_compares_the_cloud_copy_with_the_archive(tmp_path, monkeypatch, capsys):
    """The archive packs what the store has into 16 bits; one field of its is another day's."""
    days = [["1979-12-25", "1980-12-25"], ["1981-01-01", "1981-01-05"]]
    times = spread_over(days, 3)

    def archived(variable, time, truncation):
        wrong = variable == "vorticity" and time == times[1]
        return coefficients(variable, time - 960 if wrong else time, truncation)

    monkeypatch.setattr("standin_archive.coefficients", archived)
    with StandInStore() as store, StandInArchive() as archive:
        monkeypatch.setenv("CDSAPI_URL", archive.url)
        monkeypatch.setenv("CDSAPI_KEY", KEY)
        data = {
            "arco": {"wind": store.wind, "concurrency": 4, "retry": RETRY},
            "download": {
                "dataset": "reanalysis-era5-complete",
                "request": {"class": "ea", "levtype": "ml"},
                "retry": RETRY,
            },
        }
        run_script(
            "spot_check",
            tmp_path / "log",
            config={"data": data},
            outputs={"table": str(tmp_path / "spot_check.csv")},
            params={
                "variables": VARIABLES, "level": 120, "archive_truncation": T, "times": 3,
                "days": days, "source": "arco", "against": "era5",
            },
        )  # fmt: skip
    with open(tmp_path / "spot_check.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * (T + 1)
    relative = {(row["variable"], int(row["degree"])): float(row["relative"]) for row in rows}
    assert all(relative["divergence", n] < 1e-4 for n in range(1, T + 1))
    assert all(relative["vorticity", n] > 0.1 for n in range(1, T + 1))
    when = {row["time"] for row in rows if row["variable"] == "vorticity" and row["degree"] != "0"}
    assert when == {str(times[1])}
    assert f"of vorticity at {times[1]}" in capsys.readouterr().err
    assert not (tmp_path / ".spot_check").exists()


def test_files_are_found_by_the_period_of_the_workflow_that_holds_a_day(tmp_path):
    """The first and the last month of a split may be parts of one."""
    periods = ["2001-01-05_2001-01-31", "2001-02-01_2001-02-03", "2001-04-10_2001-04-20"]
    for name in periods:
        whole = (
            Field(variable, time, 120, coefficients(variable, time, T))
            for time in Period.parse(name).times(12) for variable in VARIABLES
        )  # fmt: skip
        grib.write_fields(tmp_path / f"{name}.grib", whole)
    data = {
        "train": {"start": "2001-01-05", "end": "2001-02-03"},
        "eval": {"start": "2001-04-10", "end": "2001-04-20"},
        "files": {"pattern": f"{tmp_path}/{{start}}_{{end}}.grib"},
    }
    days = ["2001-01-05T12", "2001-02-02T12", "2001-04-20T12"]
    request = Request(np.array(days, "datetime64[h]"), VARIABLES, 120, T, T, largest_change=None)
    fetch("files", request, data, tmp_path / "found.grib")
    found = [(field.variable, field.time) for field in grib.read_fields(tmp_path / "found.grib")]
    assert found == request.places


def test_what_two_archives_pack_differently_is_small(tmp_path):
    """16 bits against float32: what a spot check finds where nothing is wrong."""
    grib.write_fields(tmp_path / "packed.grib", fields())
    exact = (
        Field(name, time, 120, values(name, time, T).astype(float).view(complex))
        for time in TIMES for name in VARIABLES
    )  # fmt: skip
    found = list(differences(exact, grib.read_fields(tmp_path / "packed.grib")))
    assert max(each.relative for each in found) < 1e-4
