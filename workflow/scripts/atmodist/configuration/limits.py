"""What a config can ask for: numbers of files and samples, degrees, time steps, cities, regions."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from math import ceil
from typing import Any

from atmodist.configuration.derived import (
    archive_truncation,
    evaluation_shards,
    file_name,
    first_and_last,
    grid_rows,
    pair_shards,
    patch_shards,
    periods,
    splits,
    zooms,
)
from atmodist.core.errors import InputError
from atmodist.core.periods import filled
from atmodist.core.resources import resource
from atmodist.learning.sizes import UPSCALING

FILES = 10_000
"""Files of one kind; planning that many takes Snakemake a minute."""
YEARS = (1678, 2261)
"""Whole years that times in nanoseconds can represent."""
ERA5 = date(1940, 1, 1)
"""First day of ERA5."""
ERA5_TRUNCATION = 639
ERA5_DATASET = "reanalysis-era5-complete"
ERA5_COPY = "gcp-public-data-arco-era5"
"""Bucket of ERA5's public copy in the cloud."""
NOT_ASKED = {
    "levelist": "which follows from data.level",
    "param": "which follows from data.variables",
    "date": "which follows from the days of the splits",
    "time": "which follows from data.step_hours",
    "grid": "which gives values on a grid; expected spectral coefficients",
    "area": "which gives values on a grid; expected spectral coefficients",
    "gaussian": "which gives values on a grid; expected spectral coefficients",
    "rotation": "which turns the poles; expected coefficients as they are",
    "step": "which is of forecasts; expected analyses",
    "number": "which is of an ensemble; expected the one analysis",
}
"""Keywords that a request to the archive may not have, and why."""
ONLY = {
    "type": "an",
    "stream": "oper",
    "levtype": "ml",
    "data_format": "grib",
    "format": "grib",
    "download_format": "unarchived",
}
"""What else keywords of a request may not ask for: it would be refused on arrival."""
LONGEST = 6
"""Edge of a region over its other edge that a map can show."""


def problems_of_years(config: Mapping[str, Any]) -> Iterator[str]:
    """Days that the files cannot represent."""
    for split in splits(config):
        for key, day in zip(("start", "end"), first_and_last(config["data"][split]), strict=True):
            if not YEARS[0] <= day.year <= YEARS[1]:
                yield f"data.{split}.{key} is {day}; expected a day of the years {YEARS[0]} to {YEARS[1]}"


def problems_of_files(config: Mapping[str, Any]) -> Iterator[str]:
    """More files than a plan can hold, more windows in a field than points, and patterns of file names."""
    points = 2 * grid_rows(config) ** 2
    for kind in ("pairs", "patches"):
        if (per_time := config[kind]["per_time"]) > points:
            yield f"{kind}.per_time is {per_time}; expected at most {points}, the points of the grid"
    for split in splits(config):
        for kind, count in {"pairs": pair_shards, "patches": patch_shards}.items():
            if (files := count(config, split)) > FILES:
                size = config[kind]["shard_size"]
                yield (
                    f"{kind}.shard_size is {size}, which makes {files} files of data.{split}; "
                    f"expected at most {FILES}, with {ceil(size * files / FILES)} or more in each"
                )
        if (files := len(periods(config, split))) > FILES:
            yield f"data.{split} has {files} periods; expected at most {FILES} files"
    if (files := len(evaluation_shards(config))) > FILES:
        yield f"evaluation.shard_days makes {files} shards of data.eval; expected at most {FILES}"
    if "files" in (config["data"]["source"], config["data"]["spot_check"]["against"]):
        yield from _problems_of_pattern(config)


def _problems_of_pattern(config: Mapping[str, Any]) -> Iterator[str]:
    for key, pattern in config["data"].get("files", {}).items():
        try:
            for split in splits(config):
                for period in periods(config, split):
                    filled(pattern, period)
        except InputError as error:
            yield f"data.files.{key} is wrong: {error}"


def problems_of_synthetic(config: Mapping[str, Any]) -> Iterator[str]:
    """Degrees beyond the truncation and time steps that would be shorter than asked for."""
    if config["data"]["source"] != "synthetic":
        return
    settings, truncation = config["data"]["synthetic"], config["data"]["truncation"]
    for name in ("stirring_degrees", "heating_degrees"):
        if name in settings:
            first, last = settings[name]
            if not first <= last <= truncation:
                yield (
                    f"data.synthetic.{name} is [{first}, {last}]; expected a first degree up to the last and "
                    f"both within the truncation, {truncation}"
                )
    steps = settings.get("steps_per_day")
    if steps is not None and steps * truncation < 24 * 63:
        yield (
            f"data.synthetic.steps_per_day is {steps}; expected at least {ceil(24 * 63 / truncation)}, "
            f"which are one step an hour at T{truncation}"
        )


def problems_of_download(config: Mapping[str, Any]) -> Iterator[str]:
    """Waits that shrink, days that ERA5 does not have, and what comes as no spectral coefficients."""
    data = config["data"]
    if data["source"] in ("arco", "era5"):
        for split in splits(config):
            for key, day in zip(("start", "end"), first_and_last(data[split]), strict=True):
                if not ERA5 <= day <= date.today():
                    yield f"data.{split}.{key} is {day}; ERA5 has days from {ERA5} to the present"
    for keyword, value in data.get("download", {}).get("request", {}).items():
        if keyword != keyword.lower():
            yield f"data.download.request holds {keyword}; expected {keyword.lower()}, in lower case"
        if keyword in NOT_ASKED:
            yield f"data.download.request holds {keyword}, {NOT_ASKED[keyword]}: leave it out"
        if keyword in ONLY and str(value).lower() != ONLY[keyword]:
            yield f"data.download.request.{keyword} is {value}; expected {ONLY[keyword]}"
    for section in ("arco", "download"):
        policy = config["data"].get(section, {}).get("retry", {})
        first, longest = policy.get("first_wait", 1), policy.get("longest_wait", 60)
        if first >= longest:
            yield (
                f"data.{section}.retry.first_wait is {first}; "
                f"expected less than longest_wait, which is {longest}"
            )


def problems_of_truncation(config: Mapping[str, Any]) -> Iterator[str]:
    """Coefficients of ERA5 itself that come in another truncation than expected; copies may have any."""
    data, found = config["data"], archive_truncation(config)
    served, reason = ERA5_TRUNCATION, f"ERA5's coefficients have {ERA5_TRUNCATION}"
    if data["source"] == "era5" and data["download"]["dataset"] == ERA5_DATASET:
        resol = str(data["download"]["request"].get("resol", "av"))
        if resol.isdecimal():  # else as archived
            served, reason = int(resol), f"data.download.request.resol is {resol}"
    elif data["source"] != "arco" or ERA5_COPY not in data["arco"]["wind"]:
        return
    if found != served:
        whose = "" if "archive_truncation" in data else ", that of data.truncation"
        yield f"data.archive_truncation is {found}{whose}, but {reason}; expected {served}"


def problems_of_cities(config: Mapping[str, Any]) -> Iterator[str]:
    """Cities that the resources do not hold."""
    with open(resource("cities/cities.csv"), encoding="utf-8", newline="") as stream:
        known = {row["name"] for row in csv.DictReader(stream)}
    for name in config["figures"]["cities"]:
        if name not in known:
            yield f"figures.cities holds {name!r}; expected names of resources/cities/cities.csv"


def problems_of_regions(config: Mapping[str, Any]) -> Iterator[str]:
    """Edges in the wrong order, boxes too small to show, two regions with one file."""
    pixel = UPSCALING * 180 / grid_rows(config)
    regions, files = config["figures"]["regions"], {}
    for name, region in regions.items():
        if (other := files.setdefault(file_name(name), name)) != name:
            yield (
                f"figures.regions holds {other!r} and {name!r}, whose maps would be one file; "
                "expected names that differ in more than case or spaces"
            )
        for axis, first_edge in {"latitude": "southern", "longitude": "western"}.items():
            low, high = region[axis]
            key = f"figures.regions.{name}.{axis}"
            if low >= high:
                turn = f": [{low}, {high + 360}] lies across the date line" if axis == "longitude" else ""
                yield f"{key} is [{low}, {high}]; expected the {first_edge} edge first{turn}"
                continue
            if axis == "longitude" and high - low > 360:
                yield f"{key} is [{low}, {high}]; expected at most 360° from edge to edge"
            if high - low < 2 * pixel:
                yield (
                    f"{key} is [{low}, {high}]; expected edges at least {2 * pixel:.3g}° apart, "
                    "two pixels of low resolution"
                )
            first, last = zooms(config)[name][axis]
            if "zoom" in region and last - first < pixel:
                yield (
                    f"figures.regions.{name}.zoom.{axis} is [{first}, {last}]; expected edges at least "
                    f"{pixel:.3g}° apart, a pixel of low resolution"
                )
        height, width = (abs(high - low) for low, high in (region["latitude"], region["longitude"]))
        if max(height, width) > LONGEST * min(height, width) > 0:
            yield (
                f"figures.regions.{name} is {height:g}° by {width:g}°; expected an edge at most {LONGEST} "
                "times as long as the other"
            )
