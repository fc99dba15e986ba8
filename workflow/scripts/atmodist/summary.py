"""The numbers that matter, with 95 % confidence intervals where they are means over time.

Intervals come from a block bootstrap (Künsch 1989, doi:10.1214/aos/1176347265): blocks of days, long enough
to be nearly independent, are drawn with replacement. Every quantity is computed along ``sample``, first from
all blocks and then from each draw of them. All systems see the same draws, so that the interval of a ratio of
two systems is right, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from atmodist.cities import verdict
from atmodist.metrics import log_error
from atmodist.streams import random_stream

Number = tuple[str, xr.DataArray, str]
"""Name of a quantity, its values along ``sample`` and perhaps ``variable``, its unit."""


def resample(blocks: int, resamples: int, seed: int) -> xr.DataArray:
    """How often each block counts (sample, block): once in sample 0, as often as it is drawn in the others.

    A single block cannot be drawn differently: it gives sample 0 alone.
    """
    draws = random_stream(seed, "bootstrap").multinomial(
        blocks, np.full(blocks, 1 / blocks), resamples if blocks > 1 else 0
    )
    return xr.DataArray(np.vstack([np.ones((1, blocks), int), draws]), dims=("sample", "block"))


def means(sums: xr.Dataset, sizes: xr.DataArray, counts: xr.DataArray) -> xr.Dataset:
    """Means along ``sample`` of what the blocks hold: ``sums`` of as many members as ``sizes`` tells."""
    totals = sums.map(lambda each: xr.dot(counts, each, dim="block"))
    return totals / xr.dot(counts, sizes, dim="block")


def sums_of_blocks(series: xr.Dataset, block: np.ndarray, along: str) -> xr.Dataset:
    """Sums of values ``along`` a dimension over the members of each block; ``block`` numbers them from 0."""
    numbered = series.assign_coords(block=(along, block)).groupby("block").sum()
    return numbered.reindex(block=np.arange(block.max() + 1), fill_value=0).drop_vars("block")


def means_of_evaluation(evaluation: xr.Dataset, resamples: int, seed: int) -> xr.Dataset:
    """Every `Mean` and `Series` of an evaluation, averaged over time along ``sample``; energy as a total."""
    starts, frames = evaluation["block"].values, evaluation["frames"].drop_vars("block")
    number = (
        np.searchsorted(starts, evaluation["time"].values, side="right") - 1 if "time" in evaluation else []
    )
    series = [name for name, values in evaluation.items() if "time" in values.dims]
    blocks = [name for name, values in evaluation.items() if "block" in values.dims and name != "frames"]
    sums = evaluation[blocks].drop_vars("block") * frames
    sums["kinetic_energy"] = sums["kinetic_energy"].sum("flow")
    if series:
        sums = sums.assign(sums_of_blocks(evaluation[series], number, "time"))
    return means(sums, frames, resample(len(starts), resamples, seed))


def of_predictions(predictions: xr.Dataset, block_days: int, resamples: int, seed: int) -> Iterator[Number]:
    """Loss and accuracies of `Scores.predictions`, with ``time`` along ``pair``, in blocks of days."""
    days = predictions["time"].values.astype("datetime64[D]").astype(int)
    block = (days - days.min()) // block_days
    hits = xr.Dataset(
        {
            "loss": predictions["loss"].astype(float),
            "accuracy": (predictions["rank"] < 1) * 1.0,
            "top3_accuracy": (predictions["rank"] < 3) * 1.0,
        }
    ).drop_vars("time", errors="ignore")
    sizes = xr.DataArray(np.bincount(block), dims="block")
    counts = resample(len(sizes), resamples, seed)
    for name, values in means(sums_of_blocks(hits, block, "pair"), sizes, counts).items():
        yield name, values, "1"


def of_super_resolution(
    found: xr.Dataset, truth: xr.Dataset, bilinear: xr.Dataset, truncation: int
) -> Iterator[Number]:
    """Errors in time and in scale of one system, all three as `means_of_evaluation` returns them."""
    units = {"mean_squared_error": "s-2", "area_weighted_mean_squared_error": "s-2"}
    for name, unit in (units | {"total_variation_difference": "s-1", "psnr": "dB", "ssim": "1"}).items():
        yield name, found[name], unit
    yield "area_weighted_rmse", np.sqrt(found["area_weighted_mean_squared_error"]), "s-1"
    for name in units:
        if found is not bilinear:
            yield f"{name}_over_bilinear", found[name] / bilinear[name], "1"
    for name, first in (("", 1), ("_upper_half", truncation // 2 + 1)):
        pair = (each["kinetic_energy"].sel(degree=slice(first, truncation)) for each in (found, truth))
        yield f"kinetic_energy_error{name}", log_error(*pair, "degree"), "1"
    pair = (each["semivariogram"] for each in (found, truth))
    yield "semivariogram_error", log_error(*pair, "distance"), "1"


def of_cities(distance: xr.DataArray, references: Mapping[str, xr.DataArray]) -> Iterator[Number]:
    """Mean Wasserstein distance (window, variable, city) to the truth, and at how many cities it is less."""
    for size in distance["window"].values:
        window, here = f"{size}x{size}", distance.sel(window=size)
        yield f"wasserstein_{window}", here.mean("city"), "s-1"
        for reference, other in references.items():
            verdicts = verdict(here, other.sel(window=size))
            for name, value in (("better_than", 1), ("equal_to", 0), ("worse_than", -1)):
                yield f"cities_{name}_{reference}_{window}", (verdicts == value).sum("city"), "1"


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
                samples = np.atleast_1d(values.sel(variable=variable) if variable else values)
                low, high = np.quantile(samples[1:], [0.025, 0.975]) if len(samples) > 1 else (np.nan, np.nan)
                about = {"config": self.config, "group": group, "system": system}
                about |= {"quantity": quantity, "variable": str(variable)}
                about |= {"value": float(samples[0]), "low": low, "high": high, "unit": unit}
                self.rows.append(about)

    def to_frame(self) -> pd.DataFrame:
        """The table with six digits, which are what repeats on other machines."""
        frame = pd.DataFrame(self.rows)
        numbers = ["value", "low", "high"]
        frame[numbers] = frame[numbers].map(lambda number: float(f"{number:.6g}"))
        return frame

    def to_xarray(self) -> xr.Dataset:
        """The same along ``number``."""
        return self.to_frame().rename_axis("number").to_xarray()
