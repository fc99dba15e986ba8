import eccodes
import pytest
from matplotlib import colormaps

from atmodist.data.variables import BY_PARAMETER, DIVERGING, FIELDS, VARIABLES, WIND, plausible


@pytest.mark.parametrize("row", VARIABLES.values(), ids=lambda row: row.name)
def test_a_row_says_what_eccodes_says_of_the_parameter(row):
    message = eccodes.codes_grib_new_from_samples("sh_ml_grib2")
    eccodes.codes_set(message, "paramId", row.parameter)
    told = {key: eccodes.codes_get(message, key) for key in ("shortName", "units")}
    eccodes.codes_release(message)
    assert told["shortName"] == row.short_name
    assert told["units"].replace("**", "").replace("Numeric", "1").replace("~", "1") == row.units


@pytest.mark.parametrize("row", VARIABLES.values(), ids=lambda row: row.name)
def test_a_row_is_filed_under_its_name_and_its_parameter(row):
    assert VARIABLES[row.name] is BY_PARAMETER[row.parameter] is row
    assert 0 < row.bounds[0] < row.bounds[1]


@pytest.mark.parametrize("row", FIELDS.values(), ids=lambda row: row.name)
def test_a_field_has_a_colour_map(row):
    assert row.colours in colormaps


def test_the_colour_maps_with_two_sides_exist():
    assert set(colormaps) >= DIVERGING


def test_the_wind_is_made_of_fields():
    assert set(WIND) <= set(FIELDS)


def test_limits_of_the_config_replace_those_of_the_table():
    limits = plausible({"vorticity": [1e-9, 1]})
    assert limits["vorticity"] == [1e-9, 1]
    assert limits["divergence"] == FIELDS["divergence"].bounds
    assert plausible() == {name: row.bounds for name, row in VARIABLES.items()}
