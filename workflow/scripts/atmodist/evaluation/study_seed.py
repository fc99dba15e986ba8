"""What is kept of a seed of the study: small tables, made where its fields are and read by themselves."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint

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


def rows_of_draws(group: str, system: str, numbers: Iterable[tuple]) -> Iterator[dict]:
    """Rows of ``draws.csv`` from the numbers of `summary`: samples in columns, six digits."""
    for quantity, values, _ in numbers:
        values = xr.DataArray(values)
        for variable in values["variable"].values if "variable" in values.dims else [""]:
            samples = np.atleast_1d(values.sel(variable=variable) if variable else values)
            about = {"group": group, "system": system, "quantity": quantity, "variable": str(variable)}
            yield about | {f"draw_{i}": float(f"{value:.6g}") for i, value in enumerate(samples)}


def table_of_models(models: Mapping[str, dict], encoders: Mapping[str, dict]) -> pd.DataFrame:
    """``models.csv``: each super-resolution model's content loss, weight and fingerprint."""

    def row(name, settings):
        content = settings["content"]
        encoder = {"encoder": content, "layer": ""} if isinstance(content, str) else content
        return {
            "model": name,
            "content": encoder["encoder"],
            "layer": encoder["layer"],
            "adversarial_weight": settings["adversarial_weight"],
            "settings": fingerprint_of_model(settings, encoders),
        }

    return pd.DataFrame([row(name, settings) for name, settings in models.items()])


def fingerprint_of_model(model: dict, encoders: Mapping[str, dict]) -> str:
    """Fingerprint of a model's settings, with those of its encoder, which not all seeds need have."""
    content = model["content"]
    encoder = {} if isinstance(content, str) else {"encoder": encoders[content["encoder"]]}
    return fingerprint(model | encoder)


def table_of_jobs(benchmarks: Path) -> pd.DataFrame:
    """``jobs.csv``: the last row of what Snakemake measured of every job that has ended."""
    return pd.DataFrame(
        {
            "job": str(path.relative_to(benchmarks).with_suffix("")),
            **pd.read_csv(path, sep="\t")[["s", "cpu_time"]].iloc[-1].to_dict(),
        }
        for path in sorted(benchmarks.rglob("*.tsv"))
        if path.stem != "collect_study"
    )


def table_of_about(settings: Mapping[str, Any], **more: Any) -> pd.DataFrame:
    """``about.csv``: fingerprint of the ``settings`` that seeds must share, this machine, and ``more``."""
    about = {"settings": fingerprint(settings), **more, "processor": _processor(), "cores": os.cpu_count()}
    return pd.DataFrame({"key": list(about), "value": list(about.values())})


def _processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


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
