"""Periods of whole days: the unit of download, of restart and of parallel work."""

from __future__ import annotations

import glob
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


def filled(pattern: str, period: Period) -> str:
    """A path ``pattern`` with the fields {start}, {end}, {year}, {month} and {day} (of the first day) filled.

    The fields take Python's formats, e.g. ``/data/era5/{year}/{month:02d}.grib``; ``InputError`` at others.
    """
    first = period.start
    fields = {"start": first, "end": period.end, "year": first.year, "month": first.month, "day": first.day}
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


def find_file(pattern: str, period: Period) -> Path:
    """The one file that belongs to ``period``.

    ``pattern`` is a path with the fields of ``filled`` and with the wildcards of a shell:
    ``/data/era5/{year}/*_{month:02d}.grib``.
    """
    path = filled(pattern, period)
    found = sorted(glob.glob(path))
    if len(found) != 1:
        some = ", ".join(found[:3]) or "none"
        raise InputError(
            f"{path} must match one file for the period {period.name}, but matches {len(found)}: {some}"
        )
    return Path(found[0])
