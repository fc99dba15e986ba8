"""What fields must be on arrival, from whichever archive, and how they are truncated on the way in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from atmodist.core.periods import Period
from atmodist.data.grib import Field, checked_fields, write_fields
from atmodist.data.packed import truncated
from atmodist.data.succession import FACTOR, Succession
from atmodist.data.variables import plausible

BITS = 24
"""Bits per value of GRIB that is written here: they lose below 5e-7, a hundredth of what the 16 bits did in
which the archive packed its fields.
"""


@dataclass(frozen=True)
class Request:
    """What is asked of an archive: ``variables`` on ``level`` at the ``times`` (datetime64[h], in order).

    The archive has coefficients up to ``archive_truncation``; those above ``truncation`` are dropped. The
    ``bounds`` of a variable are those of its root mean square over the sphere. ``largest_change`` from one
    time to the next is a multiple of what is usual (`Succession`); nothing compares no times.
    """

    times: np.ndarray
    variables: Sequence[str]
    level: int
    truncation: int
    archive_truncation: int
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    largest_change: float | None = FACTOR

    @property
    def places(self) -> list[tuple[str, np.datetime64]]:
        """(variable, time) of every field, all variables of a time together."""
        return [(variable, time) for time in self.times for variable in self.variables]

    @property
    def step_hours(self) -> int:
        """Hours between neighbours in time."""
        return int(np.diff(self.times).min().astype(int)) if len(self.times) > 1 else 24

    @classmethod
    def of(cls, params, data: Mapping) -> "Request":
        """What a rule's ``params`` ask for, to be checked as ``data``, that section of the config, says."""
        return cls(
            Period.parse(params.period).times(params.step_hours),
            params.variables,
            params.level,
            params.truncation,
            params.archive_truncation,
            plausible(data.get("bounds")),
            data.get("largest_change", FACTOR),
        )

    def succession(self) -> Succession:
        """What compares the fields with each other."""
        return Succession(self.step_hours, self.largest_change or np.inf)


def accepted(path: str | Path, request: Request) -> Iterator[Field]:
    """Yield the fields of a GRIB file, in the archive's truncation, that holds all that is asked and no more.

    Raises ``InputError`` at a field that is not right by itself (`grib.checked_fields`) and, after the last,
    if the fields are not plausible together (`Succession`).
    """
    succession = request.succession()
    fields = checked_fields(
        path, request.times, request.variables, request.level, request.archive_truncation, request.bounds
    )
    for each in fields:
        succession.add(each)
        yield each
    succession.check(str(path))


def check(path: str | Path, request: Request) -> None:
    """Raise ``InputError`` unless `accepted` lets every field of a file pass."""
    for _ in accepted(path, request):
        pass


def truncate(path: str | Path, request: Request, output: str | Path) -> None:
    """Write the fields that `accepted` lets pass to ``output``, without degrees that are not asked for."""
    fields = (
        replace(each, coefficients=truncated(each.coefficients, request.truncation))
        for each in accepted(path, request)
    )
    write_fields(output, fields, BITS)
