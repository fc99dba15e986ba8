"""The one table of variables: everything that the workflow knows about a field, a row for each.

To add a variable, add its row; every other part takes from here what it needs. Imports nothing, because the
Snakefile imports it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Variable:
    """What a field is, and what is plausible for it."""

    name: str
    """Name in the config, in files and in figures."""
    parameter: int
    """GRIB parameter (``paramId``), which also fixes the unit."""
    short_name: str
    """Short name in ecCodes, MARS and ARCO-ERA5."""
    units: str
    """Unit in CF's manner, e.g. ``m s-1``."""
    bounds: tuple[float, float]
    """Least and greatest plausible root mean square over the sphere, in ``units``."""
    colours: str = "coolwarm"
    """Colour map of matplotlib; a diverging one, as of fields of both signs, is centred at zero."""


FIELDS = MappingProxyType(
    {
        row.name: row
        for row in (
            Variable("divergence", 155, "d", "s-1", (1e-7, 1e-3)),
            Variable("vorticity", 138, "vo", "s-1", (1e-6, 1e-3)),
        )
    }
)
"""What ``data.variables`` may name: the channels of the networks."""

LOG_SURFACE_PRESSURE = Variable("log_surface_pressure", 152, "lnsp", "1", (11, 12))
"""The logarithm of it in Pa, from which the pressure of the model level follows; no channel."""

VARIABLES = MappingProxyType({**FIELDS, LOG_SURFACE_PRESSURE.name: LOG_SURFACE_PRESSURE})
"""What a GRIB file may hold, by name."""

BY_PARAMETER = MappingProxyType({row.parameter: row for row in VARIABLES.values()})

WIND = ("divergence", "vorticity")
"""The variables that make up the wind, and so its kinetic energy."""

DIVERGING = frozenset({"coolwarm", "bwr", "seismic", "RdBu", "RdBu_r", "PuOr", "PuOr_r", "BrBG", "PiYG"})
"""Colour maps that are centred at zero."""


def plausible(limits: Mapping[str, tuple[float, float]] | None = None) -> dict[str, tuple[float, float]]:
    """Bounds of the root mean square of every variable: those of the table, or ``limits`` where given."""
    return {name: row.bounds for name, row in VARIABLES.items()} | dict(limits or {})
