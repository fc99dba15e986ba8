"""Whether the fields of a period are plausible together: each of its own hour, all of one atmosphere.

What a single field must be, `grib.checked_fields` says. Here fields are compared with each other, whichever
archive they come from: archives have held another day's fields under a date. The change from one time to the
next is measured as D = |x − y|² / (|x|² + |y|²) over the large scales: 0 for equal fields, 1 for fields that
have nothing in common. Within a period log D fluctuates narrowly around what is usual for the hour of the day
(analyses and tides have a daily cycle), and it rises far above that where one of the two is of another time.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.periods import span
from atmodist.data.grib import Field
from atmodist.data.packed import degrees_and_orders, truncation_of

LARGE_SCALES = 42
"""Last degree that is compared: small scales forget within hours, even without any fault."""
SPREADS = 8
"""Deviations of log D, robustly estimated, that are a break; a year of a simulated atmosphere reaches 4."""
FACTOR = 1.75
"""Least rise of D above what is usual that is a break; a year of a simulated atmosphere reaches 1.5."""
FEWEST = 5
"""Changes of a period below which nothing is known about what is usual."""
SIGNS = 16
"""Coefficients by which a field is recognised."""
SAME = 1e-5
"""Relative difference below which two fields are one; GRIB's packing leaves less, an hour far more."""
EXCHANGED = 1.4
"""Divergence over vorticity of the large scales that no atmosphere of a rotating planet has: about 0.2."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with fields that are fine one by one."""

    sentence: str
    fields: tuple[tuple[str, np.datetime64], ...]
    """(variable, time) of those that may be the wrong ones."""


class Succession:
    """The fields of a period one by one, in any order, and what their succession in time says.

    Neighbours are ``step_hours`` apart; a change of less than ``factor`` times what is usual is no break.
    Fields that come in the order of time are forgotten when their neighbours have come, so that
    memory hardly grows with the period.
    """

    def __init__(self, step_hours: int, factor: float = FACTOR) -> None:
        self._step, self._factor = np.timedelta64(step_hours, "h"), factor
        self._waiting: dict[tuple, tuple[np.ndarray, set]] = {}
        self._changes = defaultdict(dict)  # variable → time of the earlier one of two neighbours → log D
        self._power = defaultdict(dict)
        self._signs = defaultdict(dict)  # variable → time → a few coefficients, to recognise a field

    def add(self, field: Field) -> None:
        """Take a field into account."""
        large = _large_scales(field.coefficients)
        power = float(np.vdot(large, large).real)
        self._power[field.variable][field.time] = power
        self._signs[field.variable][field.time] = large[:: max(1, large.size // SIGNS)]
        lacking = {field.time - self._step, field.time + self._step}
        for neighbour in sorted(lacking):
            if (known := self._waiting.get((field.variable, neighbour))) is None:
                continue
            other, still_lacking = known
            total = power + self._power[field.variable][neighbour]
            if total > 0:
                change = float(np.sum(np.abs(large - other) ** 2)) / total
                earlier = min(field.time, neighbour)
                self._changes[field.variable][earlier] = np.log(max(change, 1e-12))
            lacking.discard(neighbour)
            still_lacking.discard(field.time)
            if not still_lacking:
                del self._waiting[field.variable, neighbour]
        if lacking:
            self._waiting[field.variable, field.time] = large, lacking

    def faults(self) -> list[Fault]:
        """Everything that is wrong with the fields so far."""
        return [*self._repeated(), *self._displaced(), *self._exchanged()]

    def check(self, where: str) -> None:
        """Raise ``InputError``, one sentence that begins with ``where``, if anything is wrong."""
        if faults := self.faults():
            raise refusal(where, faults)

    def _repeated(self) -> Iterator[Fault]:
        for variable, signs in self._signs.items():
            power = self._power[variable]
            times = sorted(signs, key=power.get)
            for one, other in pairwise(times):
                size = np.linalg.norm(signs[one])
                if size > 0 and np.linalg.norm(signs[one] - signs[other]) < SAME * size:
                    both = sorted((one, other))
                    yield Fault(
                        f"{variable} is the same field at {both[0]} and at {both[1]}; one is not of its hour",
                        tuple((variable, time) for time in both),
                    )

    def _displaced(self) -> Iterator[Fault]:
        for variable, changes in self._changes.items():
            earlier = np.array(sorted(changes))
            rise = _rise(earlier, np.array([changes[time] for time in earlier]), self._factor)
            breaks = earlier[rise > 0]
            if not breaks.size:
                continue
            times = np.array(sorted(self._power[variable]))
            runs = np.split(times, np.searchsorted(times, breaks, side="right"))
            strange = _strange(runs)
            some = " and ".join(map(span, strange[:3]))
            yield Fault(
                f"{variable} of {some}{', …' if strange[3:] else ''} does not belong where it stands: at "
                f"{breaks[0] + self._step} it has changed {np.exp(rise.max()):.1f} times as much as fields "
                f"{self._step.astype(int)} h apart do; is it of another day?",
                tuple((variable, time) for run in strange for time in run),
            )

    def _exchanged(self) -> Iterator[Fault]:
        divergence, vorticity = self._power["divergence"], self._power["vorticity"]
        times = sorted(time for time in divergence.keys() & vorticity.keys() if vorticity[time] > 0)
        if times and (ratio := np.median([divergence[t] / vorticity[t] for t in times]) ** 0.5) > EXCHANGED:
            yield Fault(
                f"divergence is {ratio:.1f} times as strong as vorticity on the large scales; "
                "the two are exchanged",
                tuple((variable, time) for time in times for variable in ("divergence", "vorticity")),
            )


def refusal(where: str, faults: Sequence[Fault]) -> InputError:
    """What to raise at ``faults``, one sentence that begins with ``where``."""
    more = f" (and {len(faults) - 1} more faults)" if faults[1:] else ""
    return InputError(f"{where}: {faults[0].sentence}{more}")


@lru_cache
def _places(size: int) -> tuple[np.ndarray, np.ndarray]:
    degree, order = degrees_and_orders(truncation_of(size))
    places = np.flatnonzero((degree > 0) & (degree <= LARGE_SCALES))
    return places, np.where(order[places], np.sqrt(2), 1)


def _large_scales(packed: np.ndarray) -> np.ndarray:
    """Degrees 1 to LARGE_SCALES of packed coefficients, weighted such that their squares sum to the mean."""
    places, weights = _places(len(packed))
    return (packed[places] * weights).astype(np.complex64)


def _strange(runs: list[np.ndarray]) -> list[np.ndarray]:
    """Runs of times between breaks that are probably the wrong ones: all but the longest.

    An even number of breaks leads from right to wrong and back again, as a day of another month does.
    """
    longest = max(range(len(runs)), key=lambda number: len(runs[number]))
    if len(runs) % 2 == 1:
        return runs[1 - longest % 2 :: 2]
    return [run for number, run in enumerate(runs) if number != longest]


def _rise(earlier: np.ndarray, changes: np.ndarray, factor: float) -> np.ndarray:
    """How far log D is above what is usual at its hour of the day, 0 where that is no break."""
    if changes.size < FEWEST:
        return np.zeros_like(changes)
    usual = np.full_like(changes, np.median(changes))
    hours = (earlier - earlier.astype("datetime64[D]")).astype(int)
    for hour in np.unique(hours):
        if np.sum(hours == hour) >= FEWEST:
            usual[hours == hour] = np.median(changes[hours == hour])
    above = changes - usual
    spread = 1.4826 * np.median(np.abs(above))
    return np.where(above > max(SPREADS * spread, np.log(factor)), above, 0)
