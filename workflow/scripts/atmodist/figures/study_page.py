"""The page of the study, docs/study.md: losses, duels and claims, every number and verdict computed here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import pyplot

from atmodist.evaluation import study
from atmodist.evaluation.study import MEASURES, Estimate, Seed
from atmodist.figures import plots

SETTINGS = {
    "": "content loss alone",
    "-even": "equal balance of the duel",
    "-paper": "the paper's weight, 0.001",
}
PAPER = "Hoffmann & Lessig 2021 and 2023, evaluation of super-resolution"
INTRODUCTION = f"""\
# What a learned distance is good for

Super-resolution networks trained with different content losses, all else equal, on the finer synthetic
atmosphere ([synthetic.md](synthetic.md); `config/study.yaml`). *This page is made by `make study-page`
from the tables in docs/study; every number and verdict is computed.* `make study SEED=1` adds a seed:
an atmosphere, networks and evaluated days of its own. `MORE=config/study-all.yaml` adds losses to it.

**Errors** are 0 for the truth, and means over seeds (geometric over divergence and vorticity). Kinetic
energy and semivariogram: decades off the truth, the former above half the truncation. Power outside the
band: the share above the truncation's zonal wavenumber. Total variation: the size of the mean
difference. Local Wasserstein: the mean over cities, 3 × 3 pixels. Fréchet distance: in the space of an
encoder, of random weights other than those of the loss, that trained none of the losses.

**Intervals** (95 %) are of a hierarchical bootstrap: seeds with replacement, in each of them blocks of
days with replacement. With R seeds, the part of the variance that is the seeds' comes out too small by
(R − 1) / R.

**Verdicts**: a claim *holds* or *fails* if there are at least {study.SEEDS_NEEDED} seeds and the whole
interval is on one side of 1; else it is *undecided*. At equal balance, the mean losses of the two
discriminators differ by at most {study.BALANCE}; else the comparison is undecided, whatever its ratio.
"""


@dataclass(frozen=True)
class Claim:
    """An error of ``system`` is less than ``reference``'s in a measure, both in the same setting."""

    text: str
    source: str
    system: str
    reference: str
    measure: str
    setting: str


def claims() -> Iterator[Claim]:
    """What is put to the test, in the order of the page."""
    meanings = {
        "spectrum": "its small scales have more nearly the true kinetic energy",
        "semivariogram": "its semivariogram is nearer to the truth",
        "variation": "its total variation is nearer to the truth",
        "local": "its local distributions are nearer to the truth",
    }
    for suffix in ("-paper", "-even", ""):
        for measure, meaning in meanings.items():
            text = f"AtmoDist's loss beats ℓ2: {meaning}"
            yield Claim(text, PAPER, f"atmodist{suffix}", f"l2{suffix}", measure, suffix)
    for suffix in ("-even", ""):
        for measure, meaning in meanings.items():
            text = f"The pretext task earns its place, against random weights: {meaning}"
            source = "implied by both papers; the control is ours"
            yield Claim(text, source, f"atmodist{suffix}", f"random{suffix}", measure, suffix)


def judge(seeds: Sequence[Seed], claim: Claim) -> tuple[Estimate | None, str, str]:
    """Ratio of the errors, verdict, and what would decide it."""
    estimate = study.ratio(seeds, claim.system, claim.reference, claim.measure)
    if estimate is not None and claim.setting == "-even":
        uneven = study.evenness(seeds, [claim.system, claim.reference])
        if uneven:
            return estimate, "undecided", uneven
    return estimate, *study.decide(estimate)


def skill(seeds: Sequence[Seed]) -> tuple[Estimate | None, str, str]:
    """Accuracy of the lag over chance, and the verdict on its being above 1."""
    parts = [
        part for seed in seeds if (part := seed.samples("atmodist", "lags-23", "accuracy_over_chance")).size
    ]
    estimate = Estimate.of(study.pooled(parts)[:, 0], len(parts)) if parts else None
    if estimate is None:
        return None, "undecided", f"{study.SEEDS_NEEDED} seeds"
    return estimate, *study.decide(estimate, below=False)


def number(estimate: Estimate | None) -> str:
    """Value and interval, three digits."""
    if estimate is None:
        return "–"
    if np.isnan(estimate.low):
        return f"{estimate.value:.3g}"
    return f"{estimate.value:.3g} ({estimate.low:.3g} to {estimate.high:.3g})"


def row(*cells: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(cells) + " |"


def models(seeds: Sequence[Seed]) -> list[str]:
    """Every model of any seed, in the order of the first that has it."""
    return list(dict.fromkeys(name for seed in seeds for name in seed.models()))


def not_judged(seeds: Sequence[Seed], model: str) -> list[str]:
    """Measures by which a model is not judged: the Fréchet distance in its own content loss's space."""
    for seed in seeds:
        table = seed.tables["models"].set_index("model")
        if model in table.index and table.loc[model, "content"] == seed.about()["judge"]:
            return ["frechet"]
    return []


def text(seeds: Sequence[Seed], folder: str) -> str:
    """The page; ``folder`` is where its figures lie, seen from it."""
    parts = [INTRODUCTION, *_claims(seeds)]
    if not seeds:
        return "\n".join([*parts, "\nNo seed has been made yet, so that there are no losses to compare.\n"])
    return "\n".join([*parts, *_losses(seeds, folder), *_duels(seeds, folder), *_cost(seeds)]) + "\n"


def _claims(seeds):
    yield f"## Claims\n\nSeeds: {len(seeds)}. Results are ratios of errors, below 1 if the claim holds.\n"
    yield row("claim", "where", "setting", "result", "seeds", "verdict", "what would decide it")
    yield row(*["---"] * 7)
    estimate, verdict, open_for = skill(seeds)
    yield row(
        "A network tells from two patches how many hours lie between them better than chance",
        "both papers, training of AtmoDist",
        "accuracy over chance, above 1 if the claim holds",
        number(estimate),
        str(estimate.seeds if estimate else 0),
        f"**{verdict}**",
        open_for,
    )
    for claim in claims():
        estimate, verdict, open_for = judge(seeds, claim)
        count = str(estimate.seeds if estimate else 0)
        setting = SETTINGS[claim.setting]
        yield row(claim.text, claim.source, setting, number(estimate), count, f"**{verdict}**", open_for)


def _losses(seeds, folder):
    yield "\n## Losses\n\nErrors; and in how many measures the error is certainly less (wins) or more"
    yield "(losses) than that of ℓ2 in the same setting, by the rule of the verdicts.\n"
    yield row("model", *(measure.label for measure in MEASURES.values()), "wins", "losses", "open")
    yield row("---", *["---:"] * (len(MEASURES) + 3))
    for model in ["bilinear", *models(seeds)]:
        hidden = not_judged(seeds, model)
        cells = ["–" if name in hidden else number(study.error(seeds, model, name)) for name in MEASURES]
        reference = next(f"l2{end}" for end in ("-even", "-paper", "") if model.endswith(end))
        if model == reference or reference not in models(seeds):
            counts = ["", "", ""]
        else:
            found = study.wins_and_losses(seeds, model, reference, hidden)
            counts = [str(found.count(word)) for word in ("win", "loss", "open")]
        yield row(model, *cells, *counts)
    yield f"\n![Errors of every loss over those of ℓ2]({folder}/ratios.png)"


def _duels(seeds, folder):
    duels = [model for model in models(seeds) if not np.isnan(study.balance(seeds, model))]
    if not duels:
        return
    low, high = study.EVEN
    yield "\n## Balance of the duels\n"
    yield "The discriminator's loss, mean over epochs and seeds; undecided, it is 0.69."
    yield f"Even is {low} to {high:.2f}, between which neither network gets an extra step.\n"
    yield row("model", "weight", "discriminator's loss", "share of epochs that are even")
    yield row("---", "---:", "---:", "---:")
    for model in duels:
        tables = [seed.tables for seed in seeds if model in seed.models()]
        weight = tables[0]["models"].set_index("model").loc[model, "adversarial_weight"]
        losses = np.concatenate(
            [each["duel"].loc[each["duel"]["model"] == model, "discriminator"] for each in tables]
        )
        even = np.mean((losses >= low) & (losses <= high))
        yield row(model, f"{weight:g}", f"{study.balance(seeds, model):.2f}", f"{even:.0%}")
    yield f"\n![The discriminator's loss against epoch]({folder}/duels.png)"


def _cost(seeds):
    yield "\n## What a seed took\n"
    yield row("seed", "processor", "cores", "models", "hours of processor time")
    yield row("---", "---", "---:", "---:", "---:")
    for seed in seeds:
        about, hours = seed.about(), seed.tables["jobs"]["cpu_time"].sum() / 3600
        cells = about["processor"], about["cores"], str(len(seed.models())), f"{hours:.1f}"
        yield row(seed.name, *cells)


def draw(seeds: Sequence[Seed], folder: Path) -> None:
    """Write ``ratios`` and ``duels`` as PDF and PNG; nothing without seeds."""
    compared = [
        (model, reference)
        for model in models(seeds)
        for reference in [next(f"l2{end}" for end in ("-even", "-paper", "") if model.endswith(end))]
        if model != reference and reference in models(seeds)
    ]
    if compared:
        with plots.style():
            figure, axes = pyplot.subplots(figsize=(plots.WIDTH, 3.6))
            for index, (model, reference) in enumerate(compared):
                found = {
                    place: estimate
                    for place, name in enumerate(MEASURES)
                    if name not in not_judged(seeds, model)
                    and (estimate := study.ratio(seeds, model, reference, name)) is not None
                }
                places = np.array(list(found)) + (index + 0.5) / len(compared) * 0.8 - 0.4
                value, low, high = (
                    np.array([[e.value, e.low, e.high] for e in found.values()]).reshape(-1, 3).T
                )
                points = axes.plot(places, value, ".", label=f"{model} over {reference}")
                axes.vlines(places, low, high, color=points[0].get_color())
            axes.axhline(1, color="0.6", linewidth=0.8)
            axes.set_yscale("log")
            axes.set_xticks(
                range(len(MEASURES)), [m.label for m in MEASURES.values()], rotation=20, ha="right"
            )
            axes.set_ylabel("ratio of errors")
            plots.legend(figure, *axes.get_legend_handles_labels(), columns=3)
            plots.save(figure, folder / "ratios.pdf", folder / "ratios.png", 150)
    duels = [model for model in models(seeds) if not np.isnan(study.balance(seeds, model))]
    if duels:
        with plots.style():
            figure, axes = pyplot.subplots(figsize=(plots.WIDTH, 2.8))
            for model in duels:
                tables = [seed.tables["duel"] for seed in seeds if model in seed.models()]
                means = [
                    table[table["model"] == model].set_index("epoch")["discriminator"] for table in tables
                ]
                axes.plot(means[0].index, np.mean(means, axis=0), marker=".", label=model)
            axes.axhspan(*study.EVEN, color="0.93", zorder=0)
            axes.set_xlabel("epoch")
            axes.set_ylabel("discriminator's loss")
            plots.legend(figure, *axes.get_legend_handles_labels(), columns=4)
            plots.save(figure, folder / "duels.pdf", folder / "duels.png", 150)
