"""Losses compared over seeds: the hierarchical bootstrap, and the verdict on a ratio.

Every seed has an atmosphere, networks and evaluated days of its own, so that blocks of days are nested in
seeds. A draw takes seeds with replacement and, of each seed taken, blocks of its days with replacement
(Davison & Hinkley 1997, Bootstrap Methods and their Application, section 3.8). The draws of blocks are made
where the fields are, by `bootstrap`, and kept: what a seed leaves is a table of each quantity's value and of
its values in those draws, the same draws for all systems of the seed. So distances between distributions,
which are no sums over blocks, need no fields either. As there are few seeds, the quantiles of the draws are
moved apart by `widening` on a logarithmic scale; too few for quantiles that are further out, as those of
`bootstrap.interval`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from atmodist.core.seeds import random_stream
from atmodist.evaluation.bootstrap import widening
from atmodist.evaluation.families import EQUAL, MOVES
from atmodist.evaluation.study_seed import Seed

RESAMPLES = 20000
"""Draws of seeds and blocks; a stream of their own, so that they depend on the number of seeds alone."""
SEEDS_NEEDED = 3
"""Seeds below which nothing is decided: with fewer, the spread between seeds is hardly known."""
MANY_SEEDS = 30
"""Seeds beyond which a difference is too small for anyone to wait for."""
EVEN = (0.46, 0.60)
"""Losses of the discriminator after a batch between which neither network gets a further step (the paper)."""
BALANCE = 0.08
"""Difference of the discriminators' mean losses up to which two duels count as equally balanced."""


@dataclass(frozen=True)
class Measure:
    """What losses are judged by, as an error: 0 is perfect; ``error`` makes it of the ``quantity``.

    The ``unit`` is that of the error, nothing where it has none; in tables it is 10⁻⁶ of it.
    """

    label: str
    quantity: str
    error: Callable[[np.ndarray], np.ndarray] = np.asarray
    unit: str = ""


MEASURES = {
    "spectrum": Measure("kinetic energy", "kinetic_energy_error_upper_half"),
    "outside": Measure("power outside the band", "power_outside_band"),
    "semivariogram": Measure("semivariogram", "semivariogram_error"),
    "variation": Measure("total variation", "total_variation_difference", np.abs, unit="s⁻¹"),
    "local": Measure("local Wasserstein", "wasserstein_3x3", unit="s⁻¹"),
    "ssim": Measure("1 − SSIM", "ssim", lambda values: 1 - values),
    "rmse": Measure("RMSE", "area_weighted_rmse", unit="s⁻¹"),
    "frechet": Measure("Fréchet distance", "frechet_distance"),
}


def orderings(seeds: Sequence[Seed]) -> tuple[pd.DataFrame, pd.Series, float]:
    """Shares of triplets that distances order rightly (docs/orderings.md), means over the seeds with them.

    Returns:
        A row a distance, a column a family of triplets; each distance's number of seeds; the greatest
        difference between two seeds in any share. The tables are empty where no seed has them.
    """
    tables = [seed.tables["orderings"] for seed in seeds if "orderings" in seed.tables]
    tables = sorted(tables, key=len, reverse=True)  # the order of distances is that of a seed with most
    if not tables:
        return pd.DataFrame(), pd.Series(), 0.0
    shares = pd.concat(tables).pivot_table(
        index="distance", columns="family", values="right", aggfunc=["mean", np.ptp], sort=False
    )
    counts = pd.concat([table["distance"].drop_duplicates() for table in tables]).value_counts()
    return shares["mean"], counts, float(shares["ptp"].max(axis=None))


def moves_with_triplets(seeds: Sequence[Seed]) -> tuple[pd.Series, int]:
    """Share of the moved states to which another is equally far, by family, and how many seeds count them.

    The share is empty where none does.
    """
    tables = [seed.tables["orderings"] for seed in seeds if "series" in seed.tables.get("orderings", ())]
    if not tables:
        return pd.Series(dtype=float), 0
    series = pd.concat(tables).groupby("family")["series"].mean()
    return series.reindex(EQUAL).dropna() / (len(MOVES) * series["displacement"]), len(tables)


def pooled(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Means over seeds (sample, …): first of all, then of each draw of seeds and of their blocks.

    ``parts`` holds for each seed its samples, the value first. What is drawn depends on their number alone.
    """
    drawn = np.concatenate(parts)[_drawn(tuple(map(len, parts)))].mean(axis=1)
    return np.concatenate([[np.mean([part[0] for part in parts], axis=0)], drawn])


@cache
def _drawn(sizes: tuple[int, ...]) -> np.ndarray:
    """Which of all samples of seeds with so many each are drawn, (resample, seed)."""
    count = len(sizes)
    stream = random_stream(2021, "study", count)
    seeds = stream.integers(count, size=(RESAMPLES, count))
    positions = stream.random((RESAMPLES, count))
    size = np.array(sizes)
    # Of a seed that was evaluated on a single block there is no draw but itself.
    first, draws = np.where(size > 1, 1, 0), np.maximum(size - 1, 1)
    return (size.cumsum() - size + first)[seeds] + (positions * draws[seeds]).astype(int)


@dataclass(frozen=True)
class Estimate:
    """A value, its 95 % interval, and from how many seeds."""

    value: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, samples: np.ndarray, seeds: int) -> "Estimate":
        """From positive samples, the value first; one without draws has NaN for its interval."""
        low, high = np.nanquantile(samples[1:], [0.025, 0.975]) / samples[0]
        # Draws of an error near zero may all be greater than the value, which is inside all the same.
        low, high = samples[0] * np.array([min(low, 1), max(high, 1)]) ** widening(seeds)
        return cls(float(samples[0]), float(low), float(high), seeds)


def error(seeds: Sequence[Seed], system: str, measure: str) -> Estimate | None:
    """Error of a system: the geometric mean, over variables, of its means over seeds."""
    found = _errors(seeds, [system], measure)
    if found is None:
        return None
    (values,), count = found
    return Estimate.of(_geometric_mean(values), count)


def ratio(seeds: Sequence[Seed], system: str, reference: str, measure: str) -> Estimate | None:
    """The same over that of another, over the seeds that have both; nothing if none has."""
    found = _errors(seeds, [system, reference], measure)
    if found is None:
        return None
    (one, other), count = found
    with np.errstate(divide="ignore", invalid="ignore"):
        return Estimate.of(_geometric_mean(one / other), count)


def in_favour(seeds: Sequence[Seed], system: str, reference: str, measure: str) -> int:
    """Seeds in which, by themselves, the error of a system is below that of another."""
    each = _errors_of_seeds(seeds, [system, reference], measure)
    return sum(bool(_geometric_mean(one[:1] / other[:1]) < 1) for one, other in each)


def _errors_of_seeds(seeds, systems, measure):
    """Errors (sample, variable) of each system, for each of the seeds that have all."""
    about = MEASURES[measure]
    each = [[seed.samples("super_resolution", name, about.quantity) for name in systems] for seed in seeds]
    return [[about.error(part) for part in parts] for parts in each if all(part.size for part in parts)]


def _errors(seeds, systems, measure):
    """Pooled errors (sample, variable) of each system over the seeds that have all; how many these are."""
    each = _errors_of_seeds(seeds, systems, measure)
    return ([pooled(parts) for parts in zip(*each, strict=True)], len(each)) if each else None


def _geometric_mean(values):
    return np.prod(values, axis=1) ** (1 / values.shape[1])


def spectrum(seeds: Sequence[Seed], system: str) -> pd.Series:
    """Kinetic energy over the truth's by degree, geometric mean over the seeds that have the system."""
    return np.exp(np.log(spectra(seeds, system)).mean(axis=1))


def spectra(seeds: Sequence[Seed], system: str) -> pd.DataFrame:
    """The same of each of the seeds, in columns."""
    return pd.concat(
        {seed.name: seed.spectrum(system) for seed in seeds if system in seed.tables["spectra"]}, axis=1
    )


def decide(estimate: Estimate | None, below: bool = True) -> tuple[str, str]:
    """Verdict on a claim that a ratio is below (or above) 1, and why or what would decide it.

    ``holds`` or ``fails`` if the whole interval is on one side and there are `SEEDS_NEEDED` seeds; else, as
    many seeds are told as would decide it if ratio and spread stayed as they are.
    """
    if estimate is None:
        return "undecided", f"{SEEDS_NEEDED} seeds with both models"
    if estimate.seeds < SEEDS_NEEDED:
        missing = SEEDS_NEEDED - estimate.seeds
        return "undecided", f"{missing} more seed{'s' if missing > 1 else ''}"
    if estimate.high < 1:
        return ("holds" if below else "fails"), ""
    if estimate.low > 1:
        return ("fails" if below else "holds"), ""
    needed = seeds_to_decide(estimate)
    told = f"about {needed} seeds" if needed else f"more than {MANY_SEEDS} seeds"
    return "undecided", f"{told}, if ratio and spread stay"


def seeds_to_decide(estimate: Estimate) -> int | None:
    """Seeds at which the interval would leave out 1; nothing if these are over `MANY_SEEDS`.

    The interval of n seeds is as wide, on a logarithmic scale, as Student's t of n − 1 degrees over √n.
    """
    allowed, found = _distance_and_reach(estimate)
    counts = np.arange(estimate.seeds, max(MANY_SEEDS, estimate.seeds) + 1)
    width = stdtrit(counts - 1, 0.975) / np.sqrt(counts)
    enough = counts[found * width < allowed * width[0]]
    return int(enough[0]) if enough.size else None


def probability(estimate: Estimate) -> float:
    """That of an estimate as far from 1, were this the truth: its interval read as Student's."""
    distance, reach = _distance_and_reach(estimate)
    degrees = estimate.seeds - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 2 * stdtr(degrees, -np.divide(distance, reach) * stdtrit(degrees, 0.975))
    return float(np.nan_to_num(found, nan=1.0))  # without an interval, or without a difference


def _distance_and_reach(estimate: Estimate) -> np.ndarray:
    """How far a ratio is from 1, and the end of its interval on that side from the ratio: in logarithms."""
    end = estimate.high if estimate.value < 1 else estimate.low
    return abs(np.log([1 / estimate.value, end / estimate.value]))


def balance(seeds: Sequence[Seed], model: str) -> float:
    """Mean over seeds of the discriminator's loss, NaN for a model without a duel."""
    values = [seed.balance(model) for seed in seeds if model in seed.models()]
    return float(np.mean(values)) if values else np.nan


def evenness(seeds: Sequence[Seed], models: Sequence[str]) -> str:
    """Why two models may not be compared at equal balance, or nothing: both without a duel, or alike.

    By the seeds that have both, as their ratio is.
    """
    seeds = [seed for seed in seeds if set(models) <= set(seed.models())]
    values = [balance(seeds, name) for name in models]
    if np.isnan(values).all() or np.ptp(values) <= BALANCE:
        return ""
    if np.isnan(values).any():
        return "a duel of both models: one was trained without"
    told = " against ".join(f"{value:.2f}" for value in values)
    return f"other weights: the duels are not equally balanced (discriminator's loss {told})"
