"""Losses compared over seeds: what is kept of a seed, the hierarchical bootstrap, and verdicts on claims.

Every seed has an atmosphere, networks and evaluated days of its own, so that blocks of days are nested in
seeds. A draw takes seeds with replacement and, of each seed taken, blocks of its days with replacement
(Davison & Hinkley 1997, Bootstrap Methods and their Application, section 3.8). The draws of blocks are made
where the fields are, by `bootstrap`, and kept: what a seed leaves is a table of each quantity's value and of
its values in those draws, the same draws for all systems of the seed. So distances between distributions,
which are no sums over blocks, need no fields either. As there are few seeds, the quantiles of the draws are
moved apart by `widening` on a logarithmic scale; too few for quantiles that are further out, as those of
`bootstrap.interval`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import stdtr, stdtrit

from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint
from atmodist.core.seeds import random_stream
from atmodist.evaluation.bootstrap import widening
from atmodist.evaluation.families import EQUAL, MOVES

TABLES = {
    "about": {"key", "value"},
    "draws": {"group", "system", "quantity", "variable", "draw_0"},
    "models": {"model", "content", "layer", "adversarial_weight", "settings"},
    "duel": {"model", "epoch", "seconds"},
    "jobs": {"job", "s", "cpu_time"},
    "spectra": {"degree", "truth"},
}
"""Files of a seed, each with the suffix .csv, and the columns that they have at least."""
TEXT = dict.fromkeys(["model", "system", "variable", "key", "value"], str)
"""Columns of text, whatever it looks like: a model may be named 7, or NA."""
OPTIONAL = {"orderings": {"distance", "family", "right"}}
"""The same, of files that a seed need not have."""
BESIDE = ("map_regions", "measure_orderings")
"""Rules whose jobs count for nothing in what a seed took: its tables are there before them."""
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


def fingerprint_of_model(model: dict, encoders: Mapping[str, dict]) -> str:
    """Fingerprint of a model's settings, with those of its encoder, which not all seeds need have."""
    content = model["content"]
    encoder = {} if isinstance(content, str) else {"encoder": encoders[content["encoder"]]}
    return fingerprint(model | encoder)


def rows_of_draws(group: str, system: str, numbers: Iterable[tuple]) -> Iterator[dict]:
    """Rows of ``draws.csv`` from the numbers of `summary`: samples in columns, six digits."""
    for quantity, values, _ in numbers:
        values = xr.DataArray(values)
        for variable in values["variable"].values if "variable" in values.dims else [""]:
            samples = np.atleast_1d(values.sel(variable=variable) if variable else values)
            about = {"group": group, "system": system, "quantity": quantity, "variable": str(variable)}
            yield about | {f"draw_{i}": float(f"{value:.6g}") for i, value in enumerate(samples)}


@dataclass
class Seed:
    """What a seed left: ``tables`` by name, of the folder ``name``."""

    name: str
    tables: dict[str, pd.DataFrame]

    def about(self) -> dict[str, str]:
        """Key and value of ``about.csv``."""
        return dict(zip(self.tables["about"]["key"], self.tables["about"]["value"], strict=True))

    def models(self) -> list[str]:
        """Names of the super-resolution models that were evaluated."""
        return list(self.tables["models"]["model"])

    def settings(self) -> dict[str, str]:
        """Fingerprints: of what seeds must share, under no name, and of each model's own settings."""
        models = self.tables["models"].set_index("model")["settings"]
        return {"": self.about()["settings"], **models}

    def samples(self, group: str, system: str, quantity: str) -> np.ndarray:
        """Values (sample, variable) of a quantity, the draws of blocks behind the first; empty if unknown."""
        return self._samples.get((group, system, quantity), np.empty((0, 0)))

    @cached_property
    def _samples(self):
        table = self.tables["draws"].sort_values("variable")
        columns = [name for name in table.columns if name.startswith("draw_")]
        grouped = table.groupby(["group", "system", "quantity"])
        return {key: rows[columns].to_numpy(float).T for key, rows in grouped}

    def hours(self) -> tuple[float, bool]:
        """Processor time of what the seed was made by, and whether a part of it is missing.

        Snakemake tells of a job what its last start took: of a super-resolution's training run that was
        stopped and resumed, and whose epochs took longer than that in all, the rest; of one that was
        published again, seconds.
        """
        jobs = self.tables["jobs"].set_index("job")
        rule = jobs.index.str.split("/").str[0]
        hours = jobs.loc[~rule.isin(BESIDE), "cpu_time"].sum() / 3600
        took = self.tables["duel"].groupby("model")["seconds"].sum().rename(index="train_srgan/{}".format)
        return hours, bool((took > jobs["s"].reindex(took.index) + 10).any())

    def spectrum(self, system: str) -> pd.Series:
        """Kinetic energy of a system over the truth's, by degree."""
        table = self.tables["spectra"].set_index("degree")
        return table[system] / table["truth"]

    def balance(self, model: str) -> float:
        """Mean of the discriminator's loss over the epochs of a duel, NaN where there was none."""
        table = self.tables["duel"]
        if "discriminator" not in table:
            return np.nan
        return float(table.loc[table["model"] == model, "discriminator"].mean())


def read_seed(path: Path) -> Seed:
    """The seed in a folder; raises ``InputError`` if a table cannot be read or lacks a column."""
    tables = {}
    more = {name: OPTIONAL[name] for name in OPTIONAL if (path / f"{name}.csv").exists()}
    for name, columns in (TABLES | more).items():
        try:
            tables[name] = pd.read_csv(
                path / f"{name}.csv", dtype=TEXT, keep_default_na=False, na_values=[""]
            )
        except (OSError, ValueError) as error:
            raise InputError(f"{path / name}.csv cannot be read ({error}); expected a table") from None
        if missing := columns - set(tables[name].columns):
            raise InputError(f"{path / name}.csv has no column {min(missing)}; expected a seed's table")
    tables["draws"]["variable"] = tables["draws"]["variable"].fillna("")
    return Seed(path.name, tables)


def read(folder: str | Path) -> list[Seed]:
    """Seeds in the folders ``seed-*``, in the order of their numbers.

    Raises ``InputError`` if a file is missing, if seeds were made with different settings, or if a folder
    does not hold the seed of its name.
    """
    paths = list(Path(folder).glob("seed-*"))
    for path in paths:
        if not path.name.removeprefix("seed-").isdecimal():
            raise InputError(f"{path} is no seed's folder; expected a number at the end of its name")
    found = [read_seed(path) for path in sorted(paths, key=lambda each: int(each.name.removeprefix("seed-")))]
    first: dict[str, tuple[str, Seed]] = {}
    for seed in found:
        if f"seed-{seed.about()['seed']}" != seed.name:
            raise InputError(f"{seed.name} of {folder} holds seed {seed.about()['seed']}; expected its own")
        for model, those in seed.settings().items():
            expected, other = first.setdefault(model, (those, seed))
            if those != expected:
                what = f"model {model} with " if model else ""
                raise InputError(
                    f"{seed.name} of {folder} has {what}other settings than {other.name}; expected the same"
                )
    return found


def notes(seeds: Sequence[Seed]) -> dict[str, list[str]]:
    """What ``about.csv`` notes, with the names of the seeds of which it is true."""
    found: dict[str, list[str]] = {}
    for seed in seeds:
        if note := seed.about().get("note"):
            found.setdefault(note, []).append(seed.name)
    return found


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
    count = len(parts)
    stream = random_stream(2021, "study", count)
    seeds = stream.integers(count, size=(RESAMPLES, count))
    positions = stream.random((RESAMPLES, count))
    size = np.array([len(part) for part in parts])
    # Of a seed that was evaluated on a single block there is no draw but itself.
    first, draws = np.where(size > 1, 1, 0), np.maximum(size - 1, 1)
    chosen = (size.cumsum() - size + first)[seeds] + (positions * draws[seeds]).astype(int)
    drawn = np.concatenate(parts)[chosen].mean(axis=1)
    return np.concatenate([[np.mean([part[0] for part in parts], axis=0)], drawn])


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
    """Error of a system, averaged over variables and seeds: over variables as a geometric mean."""
    found = _errors(seeds, [system], measure)
    if found is None:
        return None
    (values,), count = found
    return Estimate.of(_geometric_mean(values), count)


def ratio(seeds: Sequence[Seed], system: str, reference: str, measure: str) -> Estimate | None:
    """Error of a system over that of another, geometric mean over variables; nothing if no seed has both."""
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
