"""The numbers that matter, with 95 % confidence intervals from the draws of `bootstrap`.

Only what is no estimate has none: the epoch that was chosen and the accuracy of chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from atmodist.data import units
from atmodist.evaluation.bootstrap import Bootstrap, interval, means, sums_of_blocks
from atmodist.evaluation.cities import verdict
from atmodist.evaluation.fills import relative_scores
from atmodist.evaluation.frechet import distances
from atmodist.evaluation.moments import squared_errors
from atmodist.evaluation.ratios import log_error, power_outside
from atmodist.learning.calibration import content_scale

Number = tuple[str, xr.DataArray, str | int]
"""Name of a quantity, values along ``sample`` and perhaps ``variable``, unit or power of the field's unit."""


def means_of_evaluation(evaluation: xr.Dataset, bootstrap: Bootstrap) -> xr.Dataset:
    """Every `Mean` and `Series` of an evaluation, averaged over time along ``sample``; energy as a total.

    Those at the sampled points, which are `of_moments`, are left out.
    """
    starts, frames = evaluation["block"].values, evaluation["frames"].drop_vars("block")
    number = (
        np.searchsorted(starts, evaluation["time"].values, side="right") - 1 if "time" in evaluation else []
    )
    series = [name for name, values in evaluation.items() if "time" in values.dims]
    blocks = [
        name
        for name, values in evaluation.items()
        if "block" in values.dims and "point" not in values.dims and name != "frames"
    ]
    sums = evaluation[blocks].drop_vars("block") * frames
    if "kinetic_energy" in sums:
        sums["kinetic_energy"] = sums["kinetic_energy"].sum("flow")
    if series:
        sums = sums.assign(sums_of_blocks(evaluation[series], number))
    return means(sums, frames, bootstrap.counts(len(starts)))


def of_predictions(predictions: xr.Dataset, bootstrap: Bootstrap) -> Iterator[Number]:
    """Loss and accuracies of `Scores.predictions`, with ``time`` along ``pair``, in blocks of days."""
    hits = xr.Dataset(
        {
            "loss": predictions["loss"].astype(float),
            "accuracy": (predictions["rank"] < 1) * 1.0,
            "top3_accuracy": (predictions["rank"] < 3) * 1.0,
        },
        {"time": predictions["time"]},
    )
    for name, values in bootstrap.means(hits).items():
        yield name, values, "1"


def of_pressure(series: xr.Dataset, bootstrap: Bootstrap) -> Iterator[Number]:
    """Mean and standard deviation of the pressure of `pressure_series`, over the sphere and its times."""
    found = bootstrap.means(series.sel(weight="area", drop=True))
    yield "pressure_mean", found["mean"], "hPa"
    yield "pressure_std", np.sqrt(found["mean_square"] - found["mean"] ** 2), "hPa"


def of_content_loss(losses: xr.Dataset, bootstrap: Bootstrap) -> Iterator[Number]:
    """Scale of the content loss, from the sums of `lag_losses` over the training pairs of each day.

    The fit goes without the lags of which a draw holds no pair; a draw that holds none of its lags is no
    sample.
    """
    sums = losses[["sum", "pairs"]].sel(measure=["content", "mse"]).rename(day="time")
    mean = bootstrap.means_of_sums(sums[["sum"]], sums["pairs"])["sum"]
    content, squared = (mean.sel(measure=name, drop=True) for name in ("content", "mse"))
    scale = xr.apply_ufunc(content_scale, content, squared, input_core_dims=[["lag"], ["lag"]])
    yield "scale", scale.dropna("sample"), "1"


def of_super_resolution(
    found: xr.Dataset, truth: xr.Dataset, bilinear: xr.Dataset, truncation: int
) -> Iterator[Number]:
    """Errors in time and in scale of one system, all three as `means_of_evaluation` returns them."""
    squares = {"mean_squared_error": 2, "area_weighted_mean_squared_error": 2}
    for name, unit in (squares | {"total_variation_difference": 1, "psnr": "dB", "ssim": "1"}).items():
        yield name, found[name], unit
    yield "area_weighted_rmse", np.sqrt(found["area_weighted_mean_squared_error"]), 1
    for name in squares:
        if found is not bilinear:
            yield f"{name}_over_bilinear", found[name] / bilinear[name], "1"
    wind = "kinetic_energy" in truth
    for name, first in (("", 1), ("_upper_half", truncation // 2 + 1)) if wind else ():
        pair = (each["kinetic_energy"].sel(degree=slice(first, truncation)) for each in (found, truth))
        yield f"kinetic_energy_error{name}", log_error(*pair, "degree"), "1"
    yield "power_outside_band", power_outside(found["zonal_power"], truncation), "1"
    pair = (each["semivariance"] for each in (found, truth))
    yield "semivariogram_error", log_error(*pair, "distance"), "1"
    if "representation_mean" in truth:
        yield "frechet_distance", centred(distances(found, truth)).clip(0), "1"


def of_moments(found: xr.Dataset, truth: xr.Dataset, bootstrap: Bootstrap) -> Iterator[Number]:
    """Squared errors of the mean field and of the deviation field of an evaluation; see `squared_errors`.

    The paper's is the sum over the points of the grid; the one that is weighted by area is a mean.
    """
    errors = squared_errors(truth, found, bootstrap.counts(truth.sizes["block"]))
    for field_name, name in (("mean", "mean_field"), ("std", "deviation_field")):
        for weight, prefix in (("grid", ""), ("area", "area_weighted_")):
            samples = errors[field_name].sel(weight=weight, drop=True)
            yield f"{prefix}{name}_squared_error", centred(samples).clip(0), 2


def distances_at_cities(cities: xr.Dataset) -> xr.DataArray:
    """Wasserstein distances of `cities.compare` along ``sample``: the exact ones, then those of the draws."""
    parts = cities["wasserstein"].expand_dims("sample"), cities["wasserstein_draws"].rename(draw="sample")
    return xr.concat(parts, "sample")


def centred(samples: xr.DataArray) -> xr.DataArray:
    """Samples whose draws are moved so that their mean is sample 0.

    A draw adds noise to the distributions at a city, and a distance between them, being of absolute values,
    grows by it: all draws may be farther apart than the sample they come from, and verdicts be other ones.
    So does the squared difference of two fields. What draws show is how far a number varies.
    """
    value, draws = samples.isel(sample=[0]), samples.isel(sample=slice(1, None))
    if not draws.sizes["sample"]:
        return value
    return xr.concat([value, draws + (value.squeeze("sample") - draws.mean("sample"))], "sample")


def of_cities(distance: xr.DataArray, references: Mapping[str, xr.DataArray]) -> Iterator[Number]:
    """Mean over the cities of the distances (sample, window, variable, city) to the truth.

    And at how many cities they are less than those of each of ``references``, equal or more.
    """
    for size in distance["window"].values:
        window, here = f"{size}x{size}", distance.sel(window=size)
        yield f"wasserstein_{window}", centred(here.mean("city")), 1
        for reference, other in references.items():
            verdicts = verdict(here, other.sel(window=size))
            for name, value in (("better_than", 1), ("equal_to", 0), ("worse_than", -1)):
                count = centred((verdicts == value).sum("city")).clip(0, distance.sizes["city"])
                yield f"cities_{name}_{reference}_{window}", count, "1"


def _unit_of(values: xr.DataArray, variable: str, unit: str | int) -> str:
    """A unit, or for a power of the field's unit that of one variable."""
    if isinstance(unit, str):
        return unit
    return units.power(values[units.COORDINATE].sel(variable=variable).item(), unit)


def of_reconstructions(errors: xr.Dataset, bootstrap: Bootstrap) -> Iterator[Number]:
    """Mean squared error of normalised patches, with ``time`` along ``pair``."""
    found = bootstrap.means(errors[["squared_error"]].astype(float))
    yield "squared_error", found["squared_error"], "1"


def of_fills(sums: xr.Dataset, fill: str, bootstrap: Bootstrap) -> Iterator[Number]:
    """Scores of a fill of squares from the sums of `fills.DailySums`."""
    for name, values in relative_scores(sums, fill, bootstrap).items():
        yield name, values, "1"


def of_jet(index: xr.Dataset, bootstrap: Bootstrap) -> Iterator[Number]:
    """Mean latitude and speed of the jet over the days of `jet.index`."""
    for name, values in bootstrap.means(index[["latitude", "speed"]]).items():
        yield f"jet_{name}", values, index[name].attrs["units"]


def of_jet_probe(skill: xr.DataArray) -> Iterator[Number]:
    """Explained variance of the jet's anomalies, one source's part (lag, target, sample) of `skills`."""
    for target in skill["target"].values:
        for lag in skill["lag"].values:
            yield f"explained_{target}_{lag}_days_ahead", skill.sel(target=target, lag=lag), "1"


@dataclass
class Table:
    """Rows of numbers of one config."""

    config: str
    rows: list[dict] = field(default_factory=list)

    def add(self, group: str, system: str, numbers: Sequence[Number] | Iterator[Number]) -> None:
        """One more row for each number and each of its variables."""
        for quantity, values, unit in numbers:
            values = xr.DataArray(values)
            each = values["variable"].values if "variable" in values.dims else [""]
            for variable in each:
                samples = values.sel(variable=variable) if variable else values
                value = samples.isel(sample=0) if samples.ndim else samples
                low, high = interval(samples) if samples.ndim else (np.nan, np.nan)
                about = {"config": self.config, "group": group, "system": system}
                about |= {"quantity": quantity, "variable": str(variable)}
                about |= {"value": float(value), "low": float(low), "high": float(high)}
                self.rows.append(about | {"unit": _unit_of(values, variable, unit)})

    def to_frame(self) -> pd.DataFrame:
        """The table with six digits, which are what repeats on other machines."""
        frame = pd.DataFrame(self.rows)
        numbers = ["value", "low", "high"]
        frame[numbers] = frame[numbers].map(lambda number: float(f"{number:.6g}"))
        return frame

    def to_xarray(self) -> xr.Dataset:
        """The same along ``number``."""
        return self.to_frame().rename_axis("number").to_xarray()
