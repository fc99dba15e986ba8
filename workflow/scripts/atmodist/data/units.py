"""Units as CF writes them, ``m s-1``, and those of quantities that are derived from fields.

An array with a ``variable`` dimension says the unit of each variable in the coordinate ``field_units``. What
is measured on such fields has a power of these units: 1 for a difference, 2 for a mean square, −1 for a
density.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

COORDINATE = "field_units"


def power(units: str, exponent: int) -> str:
    """A power of units: ``power("m s-1", 2)`` is ``m2 s-2``."""
    if units == "1" or exponent == 0:
        return "1"
    parts = [re.fullmatch(r"([^\d\s-]+)(-?\d+)?", part).groups() for part in units.split()]
    raised = ((name, exponent * int(given or 1)) for name, given in parts)
    return " ".join(name + (str(each) if each != 1 else "") for name, each in raised)


def common(units: Sequence[str]) -> dict[str, str]:
    """The attribute ``units`` of an array of several variables: none unless all have the same."""
    return {"units": units[0]} if len(set(units)) == 1 else {}


def coordinates(fields: "xr.DataArray") -> dict:
    """Names and units of the variables of ``fields``, as coordinates of what is measured on them."""
    return {
        "variable": fields["variable"].values,
        COORDINATE: ("variable", fields[COORDINATE].values),
    }


def attributes(fields: "xr.DataArray", exponent: int, long_name: str) -> dict:
    """Attributes of a quantity (…, variable, …) whose unit is a power of that of the ``fields``."""
    units = [power(each, exponent) for each in fields[COORDINATE].values]
    return {"long_name": long_name, "power_of_field_units": exponent, **common(units)}


def of(quantity: "xr.DataArray", variable: str) -> str:
    """Unit of a quantity for one variable: a power of its field's, or its own."""
    if "power_of_field_units" not in quantity.attrs and "units" in quantity.attrs:
        return quantity.attrs["units"]
    names = quantity[COORDINATE]
    field = names.sel(variable=variable) if "variable" in names.dims else names
    return power(str(field.values), int(quantity.attrs.get("power_of_field_units", 1)))
