import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmodist.core.errors import InputError
from atmodist.core.periods import Period, blocks, find_files, months, spans

days = st.dates(date(1940, 1, 1), date(2060, 1, 1))
lengths = st.integers(0, 3000)


def tiles(periods, start, end):
    """Whether the periods cover start…end in order, without gap or overlap."""
    neighbours = pairwise(periods)
    return (
        periods[0].start == start
        and periods[-1].end == end
        and all(right.start - left.end == timedelta(days=1) for left, right in neighbours)
    )


@given(days, lengths)
def test_months_tile_the_span_and_stay_within_a_calendar_month(start, length):
    end = start + timedelta(days=length)
    periods = months(start, end)
    assert tiles(periods, start, end)
    assert all((p.start.year, p.start.month) == (p.end.year, p.end.month) for p in periods)
    assert len(periods) == (end.year - start.year) * 12 + end.month - start.month + 1


@given(days, lengths, st.integers(1, 400))
def test_blocks_tile_the_span_and_only_the_last_is_shorter(start, length, size):
    end = start + timedelta(days=length)
    periods = blocks(start, end, size)
    assert tiles(periods, start, end)
    sizes = [(p.end - p.start).days + 1 for p in periods]
    assert set(sizes[:-1]) <= {size}
    assert 1 <= sizes[-1] <= size


def test_the_papers_splits_hold_the_papers_number_of_times():
    train, evaluation = months("1979-01-01", "1998-12-31"), months("2000-01-01", "2005-12-31")
    assert len(train) == 240
    assert sum(len(p.times(3)) for p in train) == 58440
    assert sum(len(p.times(3)) for p in evaluation) == 17536


def test_times_begin_at_midnight_and_end_before_the_next():
    times = Period.parse("2000-02-28_2000-03-01").times(6)
    assert times[0] == np.datetime64("2000-02-28T00")
    assert times[-1] == np.datetime64("2000-03-01T18")
    assert len(times) == 12
    assert times.dtype == "datetime64[h]"


@given(days, lengths)
def test_a_name_parses_back(start, length):
    period = Period(start, start + timedelta(days=length))
    assert Period.parse(period.name) == period


@pytest.mark.parametrize("name", ["1979-01", "1979-01-01_1979-02-30", "train", "2000-01-02_2000-01-01"])
def test_what_is_not_a_period_is_refused(name):
    with pytest.raises(InputError):
        Period.parse(name)


JANUARY = Period.parse("1979-01-05_1979-01-31")


@pytest.mark.parametrize(
    "pattern",
    ["{year}/{month:02d}.grib", "{year}/*1.gri?", "{start:%Y}/{start:%m}.grib", "1979/0{month}.grib"],
)
def test_a_pattern_finds_the_file_of_a_period(tmp_path, pattern):
    (tmp_path / "1979").mkdir()
    for name in ("01.grib", "02.grib", "01.grib.idx"):
        (tmp_path / "1979" / name).touch()
    assert find_files(f"{tmp_path}/{pattern}", JANUARY) == [tmp_path / "1979" / "01.grib"]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("{year}-{month}.grib", r"1979-1.grib matches no file, for 1979-01-05; 27 of the 27 days"),
        ("{day:02d}.grib", r"05.grib matches no file, for 1979-01-05; 26 of the 27 days"),
        ("{hour}.grib", r"cannot be filled .*hour.*may hold {start}, {end}, {year}"),
        ("{year.grib", "cannot be filled"),
        ("{}.grib", "cannot be filled"),
    ],
)
def test_a_pattern_that_lacks_files_is_refused(tmp_path, pattern, sentence):
    (tmp_path / "06.grib").touch()
    with pytest.raises(InputError, match=sentence):
        find_files(f"{tmp_path}/{pattern}", JANUARY)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("{year}.grib", ["1979.grib"]), ("all/*.grib", ["all/1.grib", "all/2.grib"]),
     ("{month}/{day}.grib", [f"1/{day}.grib" for day in range(5, 32)])],
)  # fmt: skip
def test_files_may_be_of_any_span(tmp_path, pattern, found):
    for name in (
        "1979.grib",
        "1980.grib",
        "all/1.grib",
        "all/2.grib",
        *(f"1/{day}.grib" for day in range(1, 32)),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_files(f"{tmp_path}/{pattern}", JANUARY) == [tmp_path / name for name in found]


def test_files_of_some_days_are_found_under_the_name_of_the_period(tmp_path):
    for name in ("1979-01-05_1979-01-31.grib", "7.grib"):
        (tmp_path / name).touch()
    days = [date(1979, 1, 7)]
    for pattern, name in {"{start}_{end}.grib": "1979-01-05_1979-01-31.grib", "{day}.grib": "7.grib"}.items():
        assert find_files(f"{tmp_path}/{pattern}", JANUARY, days) == [tmp_path / name]
    with pytest.raises(InputError, match=r"8\.grib matches no file, for 1979-01-08; 1 of the 1 days"):
        find_files(f"{tmp_path}/{{day}}.grib", JANUARY, [date(1979, 1, 8)])


def test_times_are_told_as_spans():
    hours = np.datetime64("1979-01-05T00") + np.array([0, 3, 6, 12, 24, 27, 48, 60])
    step = np.timedelta64(3, "h")
    assert spans(hours[:3], step) == "1979-01-05T00 to 1979-01-05T06"
    assert spans(hours[:4], step) == "1979-01-05T00 to 1979-01-05T06 and 1979-01-05T12"
    assert spans(hours, step).endswith("1979-01-06T00 to 1979-01-06T03 and 2 more gaps")


def test_naming_periods_loads_no_heavy_library():
    code = "import sys; from atmodist.core.periods import Period; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd="workflow/scripts").returncode == 0
