from types import SimpleNamespace

import numpy as np
import pytest
import shtools
from standin_store import coefficients

from atmodist.core.errors import InputError
from atmodist.core.periods import Period
from atmodist.data import grib
from atmodist.data.arrival import Request, check, truncate
from atmodist.data.grib import Field
from atmodist.data.packed import truncated

VARIABLES = ["divergence", "vorticity"]
TIMES = Period.parse("2008-08-20_2008-08-31").times(3)
T = 42


def write(path, wrong=()):
    """A file in which the times of ``wrong`` hold the fields of 40 days before."""
    fields = (
        Field(name, time, 120, coefficients(name, time - (960 if time in wrong else 0), T))
        for time in TIMES for name in VARIABLES
    )  # fmt: skip
    grib.write_fields(path, fields)
    return path


def ask(**changes):
    question = {"times": TIMES, "variables": VARIABLES, "level": 120, "truncation": 21}
    return Request(**question | {"archive_truncation": T} | changes)


def test_fields_are_compared_with_each_other(tmp_path):
    check(write(tmp_path / "right.grib"), ask())
    wrong = write(tmp_path / "wrong.grib", TIMES[40:48])
    with pytest.raises(
        InputError, match=r"wrong.grib: divergence of 2008-08-25T00 to 2008-08-25T21 does not"
    ):
        check(wrong, ask())


def test_how_much_may_change_is_configured(tmp_path):
    wrong = write(tmp_path / "wrong.grib", TIMES[40:48])
    check(wrong, ask(largest_change=100))
    check(wrong, ask(largest_change=None))


def test_what_is_truncated_is_the_lower_degrees_and_nothing_else(tmp_path):
    """Dropping degrees commutes with all that is linear: with sums, factors and the way to the grid."""
    from atmodist.data.spectral import to_cilm

    truncate(write(tmp_path / "whole.grib"), ask(), tmp_path / "cut.grib")
    for whole, cut in zip(
        grib.read_fields(tmp_path / "whole.grib"), grib.read_fields(tmp_path / "cut.grib"), strict=True
    ):
        assert (cut.variable, cut.time, cut.level) == (whole.variable, whole.time, whole.level)
        cilm = to_cilm(whole.coefficients)
        cilm[:, 22:] = 0
        on_grid, found = shtools.synthesise(cilm), shtools.synthesise(to_cilm(cut.coefficients), T)
        assert np.abs(found - on_grid).max() < 1e-6 * on_grid.std()
    one, two = (coefficients(name, TIMES[0], T) for name in VARIABLES)
    np.testing.assert_array_equal(truncated(one + 2 * two, 21), truncated(one, 21) + 2 * truncated(two, 21))


def test_a_wrong_file_is_not_truncated(tmp_path):
    with pytest.raises(InputError, match="does not belong"):
        truncate(write(tmp_path / "wrong.grib", TIMES[40:48]), ask(), tmp_path / "cut.grib")
    assert [file.name for file in tmp_path.iterdir()] == ["wrong.grib"]


def test_coefficients_cannot_be_extended():
    with pytest.raises(InputError, match="coefficients end at T21; they cannot be truncated to T42"):
        truncated(coefficients("vorticity", TIMES[0], 21), 42)


def test_a_request_follows_from_params_and_config():
    params = SimpleNamespace(
        period="2008-08-01_2008-08-02", step_hours=6, variables=["vorticity"], level=60, truncation=21,
        archive_truncation=639,
    )  # fmt: skip
    request = Request.of(params, {"bounds": {"vorticity": [1, 2]}})
    assert request.step_hours == 6
    assert request.places[-1] == ("vorticity", np.datetime64("2008-08-02T18"))
    assert request.bounds["vorticity"] == [1, 2]
    assert request.largest_change == 1.75
    assert Request.of(params, {"largest_change": None}).largest_change is None
