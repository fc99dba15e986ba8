"""Global fields of xarray as the channels that a model takes: by any usual name, from winds if need be."""

import numpy as np
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.data.regular_grid import RegularGrid, vorticity_and_divergence
from atmodist.data.variables import FIELDS, WIND
from atmodist.model_folder import ModelConfig

ALIASES = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "time": ("time", "valid_time"),
    "variable": ("variable",),
    "vorticity": (
        "relative_vorticity",
        "atmosphere_relative_vorticity",
        "atmosphere_upward_relative_vorticity",
    ),
    "divergence": ("divergence_of_wind",),
    "eastward wind": ("u", "eastward_wind", "u_component_of_wind"),
    "northward wind": ("v", "northward_wind", "v_component_of_wind"),
}
LEADS = ("step", "prediction_timedelta", "lead_time", "forecast_period")
"""Coordinates that say how long after its start a forecast is valid."""
SAME_UNITS = {"1/s": "s-1", "s**-1": "s-1", "s^-1": "s-1", "s⁻¹": "s-1", "m/s": "m s-1", "m s**-1": "m s-1"}


def names_of(name: str) -> tuple[str, ...]:
    """All names under which a variable or a coordinate is found."""
    short = (FIELDS[name].short_name,) if name in FIELDS else ()
    return tuple(dict.fromkeys((name, *short, *ALIASES.get(name, ()))))


def find(names, wanted: str) -> str | None:
    """The one of ``names`` that means ``wanted``."""
    return next((name for name in names_of(wanted) if name in names), None)


def canonical(data: xr.DataArray) -> xr.DataArray:
    """The same with its dimensions named latitude, longitude and, where there are, time and variable.

    Of fields along ``valid_time``, when the forecast started, and how long before, is left out.
    """
    found = {find(data.dims, each): each for each in ("latitude", "longitude", "time", "variable")}
    renamed = {old: new for old, new in found.items() if old not in (None, new)}
    beside = {
        old: new for old, new in renamed.items() if old not in data.coords and _lies_along(data, new, old)
    }
    data = data.swap_dims(beside)
    renamed = {old: new for old, new in renamed.items() if old not in beside}
    start = LEADS if "valid_time" in renamed else ()
    return data.drop_vars([*renamed.values(), *start], errors="ignore").rename(renamed)


def _lies_along(data: xr.DataArray, coordinate: str, dimension: str) -> bool:
    """Whether a coordinate is that of a dimension of another name, as latitude(lat)."""
    return coordinate in data.coords and data[coordinate].dims == (dimension,)


def from_north(data: xr.DataArray) -> xr.DataArray:
    """The same along those of time, variable, latitude from the north, and longitude that there are."""
    if data["latitude"][0] < data["latitude"][-1]:
        data = data.isel(latitude=slice(None, None, -1))
    return data.transpose("time", "variable", "latitude", "longitude", missing_dims="ignore")


def check_unit(data: xr.DataArray, unit: str, name: str) -> None:
    """Raise ``InputError`` if an array says that it has another unit; ``name`` is what to call it."""
    given = str(data.attrs.get("units", unit)).strip()
    if SAME_UNITS.get(given, given) != unit:
        raise InputError(f"{name} is in {given}; expected {unit}.")


class GlobalFields:
    """A Dataset's fields, one time after another, as the channels of a model.

    ``times``, NaT where a single field has none, and ``grid`` say when and where. Rows run from north to
    south and columns eastwards from ``grid.west``, whatever their order in the Dataset.

    Args:
        dataset: the model's variables, or eastward and northward wind for vorticity and divergence, along
            latitude, longitude and perhaps time; or a DataArray that has them along ``variable``.
        config: of the model that they are for.
        name: what the messages call the fields.

    ``InputError`` in one sentence if variables, units, dimensions or grid do not fit.
    """

    def __init__(self, dataset: xr.Dataset | xr.DataArray, config: ModelConfig, name: str = "the input"):
        self.config, self.name = config, name
        if not isinstance(dataset, xr.Dataset | xr.DataArray):
            raise InputError(f"{name} is a {type(dataset).__name__}; expected a Dataset of xarray.")
        if isinstance(dataset, xr.DataArray):
            if find(dataset.dims, "variable") is None:
                raise InputError(f"{name} is a DataArray without a dimension variable; expected a Dataset.")
            array = canonical(dataset)
            dataset = array.to_dataset("variable")
            for each in dataset.values():
                each.attrs = array.attrs
        self.sources = self._choose(dataset)
        first = next(iter(self.sources.values()))
        for other in self.sources.values():
            if other.dims != first.dims:
                along = (f"{each.name} along {', '.join(map(str, each.dims))}" for each in (first, other))
                raise InputError(f"{name} has {' and '.join(along)}; expected the same dimensions.")
        self.grid = RegularGrid.of(first["latitude"].values, first["longitude"].values, name)
        for axis, spacing in self.grid.spacings.items():
            config.check_spacing(spacing, axis=axis)
        self._has_time = "time" in first.dims
        self.times = np.atleast_1d(self._times(first))
        if self.times.dtype.kind != "M":
            raise InputError(f"{name} has times of type {self.times.dtype}; expected datetime64.")
        if not self.times.size:
            raise InputError(f"{name} holds no times; expected one at least.")

    def read(self, index: int) -> np.ndarray:
        """Fields (variable, latitude, longitude) of a time, in the model's units."""
        here = {
            name: (data.isel(time=index) if self._has_time else data).values
            for name, data in self.sources.items()
        }
        if "eastward wind" in here:
            wind = vorticity_and_divergence(here["eastward wind"], here["northward wind"], self.grid)
            here = dict(zip(("vorticity", "divergence"), wind, strict=True)) | here
        fields = np.stack([np.asarray(here[name], np.float32) for name in self.config.variables])
        if not np.isfinite(fields).all():
            when = f" at {self.times[index]}" if self._has_time else ""
            raise InputError(
                f"{self.name} holds values{when} that are missing or not finite; expected finite ones."
            )
        return fields

    def _times(self, data: xr.DataArray) -> np.ndarray:
        """When fields are valid: a single one may say it, too, and "time" may be when a forecast started."""
        along = ("time",) if self._has_time else ()
        known = [each for each in ("valid_time", "time") if each in data.coords and data[each].dims == along]
        if known == ["time"]:
            for lead in LEADS:
                if lead in data.coords and np.count_nonzero(data[lead].values):
                    raise InputError(
                        f"{self.name} has {lead} beside time, which may be when the forecast started; "
                        f"expected valid_time, too, or no {lead}."
                    )
        if self._has_time and not known:
            raise InputError(
                f"{self.name} does not say when its fields are valid; expected times along time."
            )
        return data[known[0]].values if known else np.datetime64("NaT", "ns")

    def _choose(self, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
        """The arrays that the channels are made of, by their names here."""
        found = {name: find(dataset.data_vars, name) for name in self.config.variables}
        units = dict(zip(self.config.variables, self.config.units, strict=True))
        missing = [name for name, there in found.items() if there is None]
        if missing:
            wind = {name: find(dataset.data_vars, name) for name in ("eastward wind", "northward wind")}
            if not set(missing) <= set(WIND) or None in wind.values():
                raise InputError(
                    f"{self.name} holds {', '.join(map(str, dataset.data_vars)) or 'nothing'}; model "
                    f"{self.config.name} takes {', '.join(self.config.variables)}"
                    + (" (or u and v)" if set(missing) <= set(WIND) else "")
                    + "."
                )
            found = {name: there for name, there in found.items() if there} | wind
            units |= dict.fromkeys(wind, "m s-1")
        return {name: self._checked(dataset[there], units[name]) for name, there in found.items()}

    def _checked(self, data: xr.DataArray, unit: str) -> xr.DataArray:
        """An array in the order time, latitude from north, longitude eastwards."""
        data = canonical(data)
        check_unit(data, unit, f"{data.name} of {self.name}")
        extra = set(data.dims) - {"time", "latitude", "longitude"}
        if not {"latitude", "longitude"} <= set(data.dims) or extra:
            raise InputError(
                f"{self.name} has {data.name} along {', '.join(map(str, data.dims))}; expected latitude, "
                "longitude and perhaps time: select one of each other dimension."
            )
        return from_north(data)
