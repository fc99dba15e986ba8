"""Periods of whole days: the unit of download, of restart and of parallel work."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

from atmodist.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Period:
    """The days from ``start`` to ``end``, both inclusive."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InputError(f"a period ends on {self.end}, before its start on {self.start}")

    @classmethod
    def between(cls, start: str | date, end: str | date) -> Period:
        """The period from ``start`` to ``end``, dates or ISO strings."""
        return cls(date.fromisoformat(str(start)), date.fromisoformat(str(end)))

    @classmethod
    def parse(cls, name: str) -> Period:
        """The period that ``name`` names, e.g. ``1979-01-01_1979-01-31``."""
        try:
            start, end = map(date.fromisoformat, name.split("_"))
        except ValueError:
            raise InputError(f"{name!r} is not a period; one is named like 1979-01-01_1979-01-31") from None
        return cls(start, end)

    @property
    def name(self) -> str:
        """File name of the period, ``start_end``."""
        return f"{self.start}_{self.end}"

    def times(self, step_hours: int) -> np.ndarray:
        """Times from 00 UTC of the first day through the last day, as ``datetime64[h]``."""
        import numpy as np  # the Snakefile needs names alone

        first, after = np.array([self.start, self.end + DAY], "datetime64[h]")
        return np.arange(first, after, np.timedelta64(step_hours, "h"))


def months(start: str | date, end: str | date) -> list[Period]:
    """Calendar months from ``start`` through ``end``; the first and the last may be parts of a month."""
    whole, periods = Period.between(start, end), []
    first = whole.start
    while first <= whole.end:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        periods.append(Period(first, min(following - DAY, whole.end)))
        first = following
    return periods


def blocks(start: str | date, end: str | date, days: int) -> list[Period]:
    """Blocks of ``days`` days from ``start`` through ``end``; the last may be shorter."""
    whole = Period.between(start, end)
    count = (whole.end - whole.start).days + 1
    days = min(days, count)
    starts = (whole.start + n * DAY for n in range(0, count, days))
    return [Period(first, min(first + (days - 1) * DAY, whole.end)) for first in starts]


def span(times: Sequence[np.datetime64]) -> str:
    """The first and the last of sorted times in words: "1979-01-05T03 to 1979-01-05T09"."""
    return str(times[0]) if len(times) == 1 else f"{times[0]} to {times[-1]}"


def spans(times: Sequence[np.datetime64], step: np.timedelta64, most: int = 3) -> str:
    """Sorted times in words, those ``step`` apart as one span: "1979-01-05T03 to 1979-01-05T09"."""
    runs = []
    for time in times:
        if runs and time - runs[-1][-1] == step:
            runs[-1].append(time)
        else:
            runs.append([time])
    some = " and ".join(map(span, runs[:most]))
    return some + (f" and {len(runs) - most} more gaps" if runs[most:] else "")


def filled(pattern: str, period: Period, day: date | None = None) -> str:
    """A path ``pattern`` with {start} and {end} of the period and {year}, {month} and {day} of a day filled.

    The day is the period's first by default. The fields take Python's formats, e.g.
    ``/data/era5/{year}/{month:02d}.grib``; ``InputError`` at others.
    """
    day = day or period.start
    fields = {
        "start": period.start,
        "end": period.end,
        "year": day.year,
        "month": day.month,
        "day": day.day,
    }
    try:
        names = {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}
        if unknown := sorted(names - fields.keys()):
            raise KeyError(unknown[0])
        return pattern.format(**fields)
    except (KeyError, IndexError, ValueError, OverflowError, MemoryError) as error:
        known = ", ".join(f"{{{name}}}" for name in fields)
        raise InputError(
            f"the file pattern {pattern!r} cannot be filled ({error}); it may hold {known}"
        ) from None


def find_files(pattern: str, period: Period, days: Sequence[date] = ()) -> list[Path]:
    """The files that may hold something of ``period``, of a day, a month, a year or any other span each.

    ``pattern`` is a path with the fields of ``filled``, filled for every day of the period, or for some
    ``days`` of it, and with the wildcards of a shell: ``/data/era5/{year}/*_{month:02d}.grib``.
    ``InputError`` if a day has no file.
    """
    days = days or [period.start + n * DAY for n in range((period.end - period.start).days + 1)]
    paths = {}
    for day in days:
        paths.setdefault(filled(pattern, period, day), []).append(day)
    found = {path: sorted(glob.glob(path)) for path in paths}
    if lacking := [path for path, files in found.items() if not files]:
        count = sum(len(paths[path]) for path in lacking)
        raise InputError(
            f"{lacking[0]} matches no file, for {paths[lacking[0]][0]}; {count} of the {len(days)} days of "
            f"the period {period.name} have none"
        )
    return list(dict.fromkeys(Path(file) for files in found.values() for file in files))
