"""What the jet and its probe ask of the other keys: rows and columns in a sector, and days in a row."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from atmodist.configuration.derived import (
    first_and_last,
    grid_rows,
    splits,
    wind,
)
from atmodist.core.periods import DAY
from atmodist.data import points
from atmodist.data.variables import WIND
from atmodist.learning import sizes

ROWS_OF_A_MAXIMUM = 3
"""Rows of the wind that a parabola goes through."""
DAYS_OF_A_FOLD = 3
"""Days for each fold of the probe's cross-validation, at least."""
DAYS_OF_A_REGRESSION = 2
"""Days that each of its regressions is fitted to, at least."""
YEAR_DAYS = 365


def problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Each contradiction between ``jet`` and other keys, as "key is value; expected …"."""
    jet, step = config["jet"], config["data"]["step_hours"]
    if jet["window_days"] % 2 == 0:
        yield f"jet.window_days is {jet['window_days']}; expected an odd number"
    for hour in jet["probe"]["hours"]:
        if hour % step:
            yield f"jet.probe.hours holds {hour}; expected multiples of data.step_hours, {step}"
    if jet["probe"]["split"] not in splits(config):
        yield f"jet.probe.split is {jet['probe']['split']}; expected one of {', '.join(splits(config))}"
        return
    if not jet["sectors"]:
        return
    if set(wind(config)) != set(WIND):
        yield f"jet.sectors needs the whole wind; expected data.variables to hold {' and '.join(WIND)}"
    for name, box in jet["sectors"].items():
        yield from _problems_of_sector(config, f"jet.sectors.{name}", box)
    yield from _problems_of_days(config)


def _problems_of_sector(config: Mapping[str, Any], key: str, box: Mapping[str, Any]) -> Iterator[str]:
    for axis, (first, last) in box.items():
        if first >= last:
            yield f"{key}.{axis} is [{first}, {last}]; expected the lower edge first"
            return
    (south, north), (west, east) = box["latitude"], box["longitude"]
    strides = {
        f"layer {each['layer']} of jet.probe.encoders": sizes.stride(each["layer"])
        for each in config["jet"]["probe"]["encoders"]
    }
    grid = grid_rows(config)
    for what, stride in {"the grid": 1, **strides}.items():
        spacing = stride * 180 / grid
        rows = sum(south <= each <= north for each in points.middles(points.latitudes(grid), stride))
        columns = points.middles(points.longitudes(2 * grid), stride)
        needed = ROWS_OF_A_MAXIMUM if stride == 1 else 1
        if rows < needed or not any((each - west) % 360 <= east - west for each in columns):
            yield (
                f"{key} is {south}° to {north}° N, {west}° to {east}° E; expected at least {needed} "
                f"row{'s' * (needed > 1)} and a column of {what}, {spacing:.2g}° apart (data.truncation)"
            )
            return


def _problems_of_days(config: Mapping[str, Any]) -> Iterator[str]:
    """The low-pass needs a run of days, perhaps through splits that adjoin; the probe, days with a jet."""
    jet, data = config["jet"], config["data"]
    runs: list[tuple[date, date]] = []
    before = ""
    for first, last, split in sorted((*first_and_last(data[split]), split) for split in splits(config)):
        adjoining = bool(runs) and first == runs[-1][1] + DAY
        if adjoining and data["source"] == "synthetic":
            yield (
                f"data.{split} begins on the day after data.{before} ends; expected a gap: they are "
                "different synthetic atmospheres, which the jet's low-pass would mix"
            )
        runs.append((runs.pop()[0] if adjoining else first, last))
        before = split
    longest = max((end - start) // DAY + 1 for start, end in runs)
    if longest < jet["window_days"]:
        yield f"jet.window_days is {jet['window_days']}; expected at most {longest}, the longest run of days"
        return
    held = sum((end - start) // DAY + 1 for start, end in runs)
    if jet["harmonics"] and held < YEAR_DAYS:
        yield (
            f"jet.harmonics is {jet['harmonics']}; expected 0, since a seasonal cycle that is fitted to "
            f"{held} days is mostly weather"
        )
    half = timedelta(days=jet["window_days"] // 2)
    known = [
        day for start, end in runs for day in range((start + half).toordinal(), (end - half).toordinal() + 1)
    ]
    yield from _problems_of_probe(config, known)


def _problems_of_probe(config: Mapping[str, Any], known: list[int]) -> Iterator[str]:
    """Of the split's days, those with a jet that many days ahead are to be enough for the folds."""
    probe = config["jet"]["probe"]
    first, last = (day.toordinal() for day in first_and_last(config["data"][probe["split"]]))
    here = known[bisect_left(known, first) : bisect_left(known, last + 1)]
    there = set(known)
    least = DAYS_OF_A_FOLD * probe["folds"]
    for lag in probe["lag_days"]:
        days = [day + lag for day in here if day + lag in there]
        if len(days) < least:
            yield (
                f"jet.probe.folds is {probe['folds']}, which need {least} days; data.{probe['split']} has "
                f"{len(days)} whose jet is known {lag} days ahead (jet.probe.lag_days, jet.window_days)"
            )
            return
        enough = (
            gap
            for gap in range(min(probe["gap_days"], days[-1] - days[0]), -1, -1)
            if fewest_training_days(days, probe["folds"], gap) >= DAYS_OF_A_REGRESSION
        )
        if (most := next(enough)) < probe["gap_days"]:
            yield (
                f"jet.probe.gap_days is {probe['gap_days']}; expected at most {most}, so that beside two of "
                f"{probe['folds']} folds (jet.probe.folds) of {len(days)} days there are some to train on"
            )
            return


def fewest_training_days(days: Sequence[int], folds: int, gap: int) -> int:
    """How many of sorted ``days`` the smallest regression of `evaluation.probe.predict` is fitted to.

    For each fold there is one that leaves it out, and for the penalty others that leave out one more fold.
    """
    starts = [-(-number * len(days) // folds) for number in range(folds + 1)]

    def near(start, end):
        """Ends of the positions at most ``gap`` days from those of ``start`` to before ``end``."""
        return bisect_left(days, days[start] - gap), bisect_right(days, days[end - 1] + gap)

    fewest = len(days)
    for test in range(folds):
        first, last = near(starts[test], starts[test + 1])
        fewest = min(fewest, len(days) - (last - first))
        for inner in range(folds):
            start, end = starts[inner], starts[inner + 1]
            start, end = (start, min(end, first)) if inner < test else (max(start, last), end)
            if inner == test or start >= end:
                continue
            one, other = near(start, end)
            both = max(0, min(last, other) - max(first, one))
            fewest = min(fewest, len(days) - (last - first) - (other - one) + both)
    return fewest
