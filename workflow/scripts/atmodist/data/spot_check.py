"""How far two archives agree about the same fields, degree by degree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from atmodist.core.periods import Period
from atmodist.data.grib import Field
from atmodist.data.packed import degrees_and_orders, truncation_of


@dataclass(frozen=True)
class Difference:
    """The difference between two archives at one degree of a variable, when it is relatively largest."""

    variable: str
    degree: int
    time: np.datetime64
    """When it is the largest in parts of the field's own."""
    difference: float
    """Root mean square over the sphere of the difference's part of this degree, in the variable's unit."""
    relative: float
    """The same in parts of the field's own at this degree."""


def spread_over(spans: Iterable[tuple[str, str]], count: int) -> np.ndarray:
    """``count`` days, evenly spread over those of all ``spans`` (first, last), at 12 UTC (datetime64[h])."""
    days = np.sort(np.concatenate([Period.between(*span).times(24) for span in spans]))
    places = np.linspace(0, len(days) - 1, count).round().astype(int)
    return days[np.unique(places)] + np.timedelta64(12, "h")


def differences(one: Iterable[Field], other: Iterable[Field]) -> Iterator[Difference]:
    """Compare the fields of ``one`` archive with those of the ``other``, which come in any order."""
    worst: dict[tuple[str, int], Difference] = {}
    others = {(field.variable, field.time): field for field in other}
    for here in one:
        there = others[here.variable, here.time]
        size, gap = _by_degree(there.coefficients), _by_degree(here.coefficients - there.coefficients)
        relative = np.divide(gap, size, out=np.where(gap > 0, np.inf, 0.0), where=size > 0)
        for degree in range(len(size)):
            known = worst.get((here.variable, degree))
            if known is None or relative[degree] > known.relative:
                worst[here.variable, degree] = Difference(
                    here.variable, degree, here.time, float(gap[degree]), float(relative[degree])
                )
    yield from sorted(worst.values(), key=lambda each: (each.variable, each.degree))


def _by_degree(packed: np.ndarray) -> np.ndarray:
    """Root mean square over the sphere of each degree's part of a field, (T+1,)."""
    degree, order = degrees_and_orders(truncation_of(len(packed)))
    return np.sqrt(np.bincount(degree, np.where(order, 2, 1) * (packed.real**2 + packed.imag**2)))
