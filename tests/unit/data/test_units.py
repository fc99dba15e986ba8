import pytest
import xarray as xr

from atmodist.data import units


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        ("s-1", 1, "s-1"),
        ("s-1", 2, "s-2"),
        ("s-1", -1, "s"),
        ("K", 2, "K2"),
        ("K", -1, "K-1"),
        ("m s-1", 2, "m2 s-2"),
        ("m2 s-2", -1, "m-2 s2"),
        ("s-1", 0, "1"),
        ("1", 2, "1"),
    ],
)
def test_power_of_units(base, exponent, expected):
    assert units.power(base, exponent) == expected


def fields(**of):
    """Values along ``variable`` with these units."""
    coordinates = {"variable": list(of), units.COORDINATE: ("variable", list(of.values()))}
    return xr.DataArray([1.0] * len(of), coordinates, "variable")


def test_a_measure_of_unlike_fields_has_a_unit_for_each():
    both = fields(vorticity="s-1", temperature="K")
    error = xr.DataArray(
        [1.0, 2.0], units.coordinates(both), "variable", attrs=units.attributes(both, 2, "mean squared error")
    )
    assert "units" not in error.attrs
    assert [units.of(error, name) for name in both["variable"].values] == ["s-2", "K2"]
    assert units.of(error.sel(variable="temperature"), "temperature") == "K2"


def test_fields_that_are_unlike_have_their_own_units():
    assert units.of(fields(vorticity="s-1", temperature="K"), "temperature") == "K"


def test_a_measure_of_like_fields_names_their_unit_for_all_readers():
    both = fields(divergence="s-1", vorticity="s-1")
    assert units.attributes(both, 2, "power")["units"] == "s-2"


def test_a_measure_without_a_field_keeps_its_own_unit():
    assert units.of(xr.DataArray(1.0, attrs={"units": "dB"}), "vorticity") == "dB"
