import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from fake_snakemake import run_script
from numcodecs import Zlib
from standin_store import CONTENT, NAMES, TRANSPORT, WIND, StandInStore, coefficients, values

from atmodist.core.errors import InputError
from atmodist.core.files import verify
from atmodist.core.periods import Period
from atmodist.core.retry import RetryPolicy
from atmodist.data import arco_download, grib
from atmodist.data.arco_download import ABANDONED, download
from atmodist.data.arrival import Request
from atmodist.data.packed import truncated

VARIABLES = ["divergence", "vorticity"]
BOUNDS = {"divergence": (1e-7, 1e-3), "vorticity": (1e-6, 1e-3)}
TIMES = Period.parse("2008-08-26_2008-08-27").times(3)
HASTE = RetryPolicy(
    attempts=3, first_wait=0.001, longest_wait=0.01, timeout=20
)  # a busy machine answers late
IMPATIENCE = replace(HASTE, timeout=1.5)  # less than an archive is silent that stalls
T = 21


@pytest.fixture
def store():
    with StandInStore() as store:
        yield store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spectral" / "period.grib"


def fetch(store, path, address=None, policy=HASTE, **changes):
    question = {"times": TIMES, "variables": VARIABLES, "level": 120, "truncation": T, "bounds": BOUNDS}
    question |= changes
    request = Request(**{"archive_truncation": question["truncation"]} | question)
    download(address or store.wind, request, path, concurrency=4, policy=policy)


def whole(path, times=TIMES, variables=VARIABLES, truncation=T, archive=T):
    """Whether the file holds the fields of the stand-in in the order of time, and nothing is beside it."""
    found = list(grib.read_fields(path))
    assert [(f.time, f.variable) for f in found] == [(time, name) for time in times for name in variables]
    for field in found:
        right = truncated(coefficients(field.variable, field.time, archive, field.level), truncation)
        assert np.abs(field.coefficients - right).max() < 1e-6 * np.abs(right).max()
    return [file.name for file in path.parent.iterdir()] == [path.name]


def fetched_twice(store):
    """Objects that were sent whole more than once, metadata apart."""
    return [key for key, count in store.whole.items() if count > 1 and re.search(r"/\d+\.[\d.]+$", key)]


def key(store, variable, time):
    name = {name: short for short, name in NAMES.items()}[variable]
    return f"{WIND}/{name}/{int((time - np.datetime64('1940-01-01T00')).astype(int))}.119.0"


def test_the_stand_in_is_a_zarr_store_that_xarray_reads(store):
    data = xr.open_zarr(store.wind, zarr_format=2, chunks=None)
    assert data["vo"].encoding["chunks"] == (1, 1, (T + 1) * (T + 2))
    field = data["d"].sel(time="2008-08-27T03", hybrid=120)
    assert np.array_equal(field, values("divergence", np.datetime64("2008-08-27T03"), T))


def test_a_store_without_faults_gives_the_file(store, path):
    fetch(store, path)
    assert whole(path)
    assert fetched_twice(store) == []


def test_one_variable_other_steps_and_another_level_are_asked_for_as_configured(path):
    times = Period.parse("1999-12-31_2000-01-01").times(6)
    with StandInStore(level=60) as store:
        fetch(store, path, times=times, variables=["vorticity"], level=60)
    assert whole(path, times, ["vorticity"])


def test_surface_pressure_comes_from_the_surface_store(store, path):
    times = Period.parse("1999-12-20_2000-01-10").times(24)
    settings = {
        "variables": ["log_surface_pressure"],
        "level": 1,
        "bounds": {"log_surface_pressure": (11, 12)},
    }
    fetch(store, path, address=store.surface, times=times, **settings)
    assert whole(path, times, ["log_surface_pressure"])


def test_what_is_above_the_truncation_is_dropped(path):
    with StandInStore(truncation=42) as store:
        fetch(store, path, archive_truncation=42)
    assert whole(path, archive=42)


def test_what_is_written_is_what_came_within_a_hundredth_of_the_archives_packing(store, path):
    fetch(store, path)
    for field in grib.read_fields(path):
        right = values(field.variable, field.time, T)
        error = np.linalg.norm(field.coefficients.view(float) - right) / np.linalg.norm(right)
        assert error < 5e-7


@pytest.mark.parametrize("fault", TRANSPORT)
def test_what_passes_is_waited_for(store, path, fault):
    faults = {key(store, "vorticity", TIMES[3]): [fault] * 2, key(store, "divergence", TIMES[0]): [fault]}
    store.misbehave = lambda path: faults[path].pop() if faults.get(path) else None
    fetch(store, path)
    assert whole(path)
    assert store.injected == {fault: 3}


@pytest.mark.parametrize("fault", TRANSPORT)
def test_metadata_that_come_at_the_second_attempt_do(store, path, fault):
    faults = [fault]
    store.misbehave = lambda path: faults.pop() if path.endswith(".zmetadata") and faults else None
    fetch(store, path)
    assert whole(path)


@pytest.mark.parametrize("fault", sorted(set(TRANSPORT) - {"flipped"}))
def test_without_checksums_too_no_damage_is_taken_for_a_field(path, fault):
    with StandInStore(hashes=False) as store:
        faults = [fault]
        store.misbehave = lambda path: faults.pop() if "/vo/" in path and faults else None
        fetch(store, path)
    assert whole(path)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("missing", "vorticity at 2008-08-27T03 cannot be had in 3 attempts .*404 Not Found"),
        ("refused", "cannot be had in 3 attempts .*403"),
        ("busy", "cannot be had in 3 attempts .*429"),
        ("error", "cannot be had in 3 attempts .*500"),
        ("drop", "cannot be had in 3 attempts"),
        ("reset", "cannot be had in 3 attempts"),
        ("stall", "cannot be had in 3 attempts .*[Tt]imeout"),
        ("cut", "cannot be had in 3 attempts"),
        ("short", "cannot be had in 3 attempts .*checksum"),
        ("flipped", "cannot be had in 3 attempts .*checksum"),
    ],
)
def test_what_does_not_pass_is_told_in_a_sentence_and_the_rest_is_kept(store, path, fault, sentence):
    broken = key(store, "vorticity", TIMES[9])
    store.misbehave, store.stall = lambda path: fault if path == broken else None, 3.0
    with pytest.raises(InputError, match=sentence) as error:
        fetch(store, path, policy=IMPATIENCE if fault == "stall" else HASTE)
    assert "31 of 32 fields are here, run again to continue" in str(error.value)
    assert "\n" not in str(error.value)
    assert not path.exists()
    store.misbehave = None
    fetch(store, path)
    assert whole(path)
    assert fetched_twice(store) == []


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("missing", "404 Not Found"),
        ("not finite", "vorticity at 2008-08-27T03 holds values that are not finite"),
        ("fill value", "not finite"),
        ("too strong", "root mean square of .* outside"),
        ("other truncation", "cannot be had"),
        ("other month", "vorticity of 2008-08-27T03 does not belong where it stands"),
        ("other hour", "same field at 2008-08-27T03 and at 2008-08-27T06"),
        ("other level", "vorticity of 2008-08-27T03 does not belong where it stands"),
        ("exchanged", "same field|does not belong"),
    ],
)
def test_what_the_store_has_wrong_is_refused_until_it_has_it_right(store, path, fault, sentence):
    store.content["vorticity", TIMES[9]] = fault
    with pytest.raises(InputError, match=sentence) as error:
        fetch(store, path)
    assert "\n" not in str(error.value)
    assert not path.exists()
    store.content.clear()
    store.made.cache_clear()
    fetch(store, path)
    assert whole(path)
    assert len(fetched_twice(store)) <= 2, "more was fetched again than was in doubt"


def test_every_fault_of_the_stand_in_is_tried():
    (mark,) = test_what_the_store_has_wrong_is_refused_until_it_has_it_right.pytestmark
    tried = {fault for fault, _ in mark.args[1]}
    assert tried == set(CONTENT)


def test_a_day_of_another_month_is_refused(store, path):
    day = TIMES[8:]
    store.content |= {(name, time): "other month" for name in VARIABLES for time in day}
    with pytest.raises(InputError, match=r"of 2008-08-27T00 to 2008-08-27T21 does not belong .* more faults"):
        fetch(store, path)
    store.content.clear()
    store.made.cache_clear()
    fetch(store, path)
    assert whole(path)
    assert len(fetched_twice(store)) == 16


def test_a_store_that_is_down_is_given_up_soon(store, path):
    store.misbehave = lambda path: "unavailable" if "/vo/" in path or "/d/" in path else None
    with pytest.raises(InputError, match=r"cannot be had in 3 attempts .* \(and \d+ more\); 0 of 32"):
        fetch(store, path)
    assert store.injected["unavailable"] <= 3 * (ABANDONED + 4)


@pytest.mark.parametrize(
    ("changes", "settings", "sentence"),
    [
        ({}, {"address": "/co/nowhere.zarr"}, "nowhere.zarr cannot be opened .* is data.arco right"),
        ({}, {"address": "/co/single-level-surface.zarr-v2"}, r"has no d \(divergence\); it holds lnsp"),
        ({"names": ("t", "w")}, {}, r"has no d \(divergence\); it holds hybrid, t, time, w"),
        (
            {"dimensions": ("time", "level", "values")},
            {},
            r"\('time', 'level', 'values'\); expected",
        ),
        ({}, {"truncation": 31}, r"has 506 values a field; expected 1056, the coefficients of T31"),
        ({"values": 1000}, {}, "has 1000 values a field; expected 506"),
        ({"units": "days since 1900-01-01"}, {}, "time is in 'days since 1900-01-01'; expected hours since"),
        ({"units": "hours since then"}, {}, "expected hours since a date"),
        ({"step": 2}, {}, "the time axis is not hourly|not part of it"),
        ({}, {"level": 138}, "has no model level 138; its levels are 1 to 137"),
        (
            {},
            {"times": TIMES + 24 * 365 * 20},
            "valid_time_stop is 2022-12-31; 2028-08-21 to .* is asked",
        ),
        ({}, {"times": TIMES - 24 * 365 * 69}, "begins at 1940-01-01T00 .* not part of it"),
    ],
)
def test_a_wrong_address_store_or_question_is_told_before_anything_is_fetched(
    path, changes, settings, sentence
):
    with StandInStore(**changes) as store:
        if "address" in settings:
            settings = settings | {"address": store.url + settings["address"]}
        with pytest.raises(InputError, match=sentence) as error:
            fetch(store, path, **settings)
        assert "\n" not in str(error.value)
        assert not any(re.search(r"/\d+\.[\d.]+$", request) for request in store.requests)
    assert not path.exists()


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([OSError("first"), InputError("second"), InputError("third")], InputError("second")),
        ([OSError("first"), ValueError("second")], OSError("first")),
    ],
)
def test_of_errors_of_many_workers_one_is_raised(store, path, monkeypatch, errors, told):
    left = iter(errors)

    async def fail(*_):
        raise next(left, errors[-1])

    monkeypatch.setattr(arco_download._Download, "_field", fail)
    with pytest.raises(type(told), match=str(told)):
        fetch(store, path)


def test_a_missing_network_is_told(store, path):
    address = store.wind.replace(str(store.server.server_port), "9")
    with pytest.raises(InputError, match=r"cannot be opened \(Cannot connect .*is there a network\?"):
        fetch(store, path, address=address)


def test_no_zarr_but_a_login_page_is_told(store, path):
    store.hashes, store.misbehave = False, lambda path: "nonsense"
    with pytest.raises(InputError, match="cannot be opened"):
        fetch(store, path)


def test_a_stop_while_it_hashes_costs_no_second_download(store, tmp_path, monkeypatch):
    def run():
        run_script(
            "download_arco",
            tmp_path / "job.log",
            rule="download_arco",
            config={"data": {"arco": {"concurrency": 4, "retry": vars(HASTE)}}},
            outputs={"grib": tmp_path / "period.grib", "checksum": tmp_path / "period.grib.sha256"},
            params={
                "period": "2008-08-26_2008-08-27", "step_hours": 3, "variables": VARIABLES, "level": 120,
                "truncation": T, "archive_truncation": T, "address": store.wind,
            },
        )  # fmt: skip

    def stop(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("atmodist.core.files.sha256", stop)
        with pytest.raises(KeyboardInterrupt):
            run()
    for output in ("period.grib", "period.grib.sha256"):  # as Snakemake does after a job that failed
        (tmp_path / output).unlink(missing_ok=True)
    run()
    assert fetched_twice(store) == []
    verify(tmp_path / "period.grib", tmp_path / "period.grib.sha256")
    assert {path.name for path in tmp_path.iterdir()} == {"period.grib", "period.grib.sha256", "job.log"}


def test_while_one_process_downloads_another_leaves_its_files_alone(store, path):
    def second(_):
        """What another process meets while an object is on its way to the first."""
        if not told:
            with pytest.raises(InputError, match="is being downloaded by another process") as error:
                fetch(store, path)
            told.append(error)

    told = []
    store.misbehave = second
    fetch(store, path)
    assert told
    assert whole(path)
    assert fetched_twice(store) == []


def test_metadata_that_change_on_the_way_are_noticed_and_all_is_fetched_anew(store, path):
    def change(path):
        if path == key(store, "vorticity", TIMES[9]) and not store.injected["changed"]:
            store.injected["changed"] += 1
            store.changed(compressor=Zlib(1))  # the objects remain, what they mean does not
            store.changed(names=("vo", "d"), compressor=None)

    store.misbehave = change
    with pytest.raises(InputError):
        fetch(store, path)  # the objects are no longer what the metadata say
    store.misbehave = None
    store.changed()
    fetch(store, path)
    assert whole(path)


def test_metadata_that_only_grow_are_no_change(store, path):
    def grow(path):
        if path == key(store, "vorticity", TIMES[9]):
            store.last += 24 * 30
            store.changed()

    store.misbehave = grow
    fetch(store, path)
    assert whole(path)
    assert fetched_twice(store) == []
