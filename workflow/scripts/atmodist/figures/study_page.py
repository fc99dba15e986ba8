"""The page of the study, docs/study.md: losses, duels and claims, every number and verdict computed here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from atmodist.core.errors import InputError
from atmodist.evaluation import study
from atmodist.evaluation.study import MEASURES, Estimate, Seed
from atmodist.figures import plots

SETTINGS = {
    "": "content loss alone",
    "-even": "equal balance of the duel",
    "-paper": "the paper's weight, 0.001",
}
MARKS = "<!-- made by `make study-page` -->", "<!-- end -->"
"""What the summary stands between in the README."""
STEPS = {
    "extra_generator": "further steps of the generator",
    "extra_discriminator": "further steps of the discriminator",
}
"""Shares of batches in the tables of a duel."""
PAPER = "Hoffmann & Lessig 2021 and 2023, evaluation of super-resolution"
CONTROL = "implied by both papers; the control is ours"
INTRODUCTION = f"""\
# What a learned distance is good for

Super-resolution networks trained with different content losses, all else equal, on the finer synthetic
atmosphere ([synthetic.md](synthetic.md); `config/study.yaml`). *This page is made by `make study-page`
from the tables in docs/study; every number and verdict is computed.* `make study SEED=9` makes a seed, an
atmosphere, networks and evaluated days of its own, keeps its tables in docs/study/seed-9 and makes this
page and the README's table anew. With `MORE=config/study-all.yaml` it has all losses.

**Words.** The *pretext task* is AtmoDist's: to tell how many hours lie between two patches, their *lag*. A
*duel* is the adversarial training of generator and discriminator; without one, the content loss is alone.
A model is named by its content loss: `l2`; `atmodist`, of the encoder's last stage, `atmodist-2` and
`atmodist-3`, of its stages 2 and 3; `random`, the last stage of the same encoder with random weights;
`autoencoder`, of another pretext task; `amse`, the adjusted squared error of amplitudes (Subich et al. 2025,
[arXiv:2501.19374](https://arxiv.org/abs/2501.19374)). Then by its weight of the adversarial loss: none in the
name is none in the loss, `-paper` is 0.001 and `-even` one at which the duels are about equally balanced.

**Errors** are 0 for the truth, and means over seeds (geometric over divergence and vorticity). Kinetic
energy and semivariogram: decades off the truth, the former above half the truncation. Power outside the
band: the share above the truncation's zonal wavenumber. Total variation: the size of the mean
difference. Local Wasserstein: the mean over cities, 3 × 3 pixels. Fréchet distance: in the space of an
encoder, of random weights other than those of the loss, that trained none of the losses.

**Intervals** (95 %) are of a hierarchical bootstrap: seeds with replacement, in each of them blocks of
days with replacement. Of a few seeds its quantiles lie too close together: they are moved apart by
Student's t over the normal distribution's and by √(R / (R − 1)), of R seeds (Hesterberg 2015,
doi:10.1080/00031305.2015.1089789).

**Verdicts**: a claim *holds* or *fails* if there are at least {study.SEEDS_NEEDED} seeds and the whole
interval is on one side of 1; else it is *undecided*, and the page says at how many seeds the interval
would leave 1 out if ratio and spread stayed as they are. As seeds are added while rows are open, an
interval that has just left 1 out may take it in again. At equal balance, the mean losses of the two
discriminators differ by at most {study.BALANCE}; else the comparison is undecided, whatever its ratio. Each
row is judged by itself: were all ratios truly 1, chance would decide about one row in twenty.
"""


@dataclass(frozen=True)
class Claim:
    """An error of ``system`` is less than ``reference``'s in a measure."""

    text: str
    source: str
    system: str
    reference: str
    measure: str
    setting: str


MEANINGS = {
    "spectrum": "its small scales have more nearly the true kinetic energy",
    "semivariogram": "its semivariogram is nearer to the truth",
    "variation": "its total variation is nearer to the truth",
    "local": "its local distributions are nearer to the truth",
}
DISTANCE = "AtmoDist's loss beats ℓ2"
PRETEXT = "The pretext task beats random weights"
WEIGHT = "A larger adversarial weight beats the paper's, without the distance"
DEPTH = "The last stage, the paper's, beats stage {}"
BASELINE = "The pretext task beats an autoencoder's"
SPECTRAL = "AtmoDist's loss beats the adjusted squared error (AMSE)"
COMPARISONS = (
    (DISTANCE, PAPER, "atmodist-paper", "l2-paper", SETTINGS["-paper"]),
    (DISTANCE, PAPER, "atmodist-even", "l2-even", SETTINGS["-even"]),
    (DISTANCE, PAPER, "atmodist", "l2", SETTINGS[""]),
    (PRETEXT, CONTROL, "atmodist-even", "random-even", SETTINGS["-even"]),
    (PRETEXT, CONTROL, "atmodist", "random", SETTINGS[""]),
    (WEIGHT, CONTROL, "l2-even", "l2-paper", "ℓ2 with both"),
    *(
        (text, source, f"atmodist{suffix}", f"{reference}{suffix}", SETTINGS[suffix])
        for text, source, reference in (
            (BASELINE, "the original's code; the comparison is ours", "autoencoder"),
            (DEPTH.format(3), "Hoffmann & Lessig 2023, content loss", "atmodist-3"),
            (DEPTH.format(2), "Hoffmann & Lessig 2023, content loss", "atmodist-2"),
            (SPECTRAL, "Subich et al. 2025; the comparison is ours", "amse"),
        )
        for suffix in ("-even", "")
    ),
)
"""Claim, where it is made, the model that it is about, the one compared with, and how both are trained."""


def claims(seeds: Sequence[Seed]) -> Iterator[Claim]:
    """What is put to the test, in the order of the page: comparisons whose models a seed has, by measure."""
    known = set(models(seeds))
    for text, source, system, reference, setting in COMPARISONS:
        if {system, reference} <= known or not seeds:
            for measure in MEANINGS:
                yield Claim(text, source, system, reference, measure, setting)


def judge(seeds: Sequence[Seed], claim: Claim) -> tuple[Estimate | None, str, str]:
    """Ratio of the errors, verdict, and what would decide it."""
    estimate = study.ratio(seeds, claim.system, claim.reference, claim.measure)
    if estimate is not None and setting_of(claim.system) == setting_of(claim.reference) == "-even":
        uneven = study.evenness(seeds, [claim.system, claim.reference])
        if uneven:
            return estimate, "undecided", uneven
    return estimate, *study.decide(estimate)


def skill(seeds: Sequence[Seed]) -> tuple[Estimate | None, str, str]:
    """Accuracy of the lag over chance, and the verdict on its being above 1."""
    parts = _accuracies(seeds)
    estimate = Estimate.of(study.pooled(parts)[:, 0], len(parts)) if parts else None
    if estimate is None:
        return None, "undecided", f"{study.SEEDS_NEEDED} seeds"
    return estimate, *study.decide(estimate, below=False)


def _accuracies(seeds):
    """Accuracies over chance (sample, 1) of the seeds that have them."""
    each = [seed.samples("atmodist", "lags-23", "accuracy_over_chance") for seed in seeds]
    return [values for values in each if values.size]


def number(estimate: Estimate | None, unit: float = 1) -> str:
    """Value and interval in a unit, three digits."""
    if estimate is None:
        return "–"
    value, low, high = (each / unit for each in (estimate.value, estimate.low, estimate.high))
    return f"{value:.3g}" if np.isnan(low) else f"{value:.3g} ({low:.3g} to {high:.3g})"


def row(*cells: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(cells) + " |"


def models(seeds: Sequence[Seed]) -> list[str]:
    """Every model of any seed, in the order of the first that has it."""
    return list(dict.fromkeys(name for seed in seeds for name in seed.models()))


def setting_of(model: str) -> str:
    """End of a model's name that says how it was trained, a key of `SETTINGS`."""
    return next((end for end in SETTINGS if end and model.endswith(end)), "")


def loss_of(model: str) -> str:
    """Name of a model without its setting: that of its content loss."""
    return model.removesuffix(setting_of(model))


def reference_of(model: str) -> str:
    """The model of squared error in the same setting."""
    return f"l2{setting_of(model)}"


def not_judged(seeds: Sequence[Seed], model: str) -> list[str]:
    """Measures by which a model is not judged: the Fréchet distance in its own content loss's space."""
    for seed in seeds:
        table = seed.tables["models"].set_index("model")
        if model in table.index and table.loc[model, "content"] == seed.about()["judge"]:
            return ["frechet"]
    return []


def text(seeds: Sequence[Seed], folder: str) -> str:
    """The page; ``folder`` is where its figures lie, seen from it."""
    judged = [(claim, *judge(seeds, claim)) for claim in claims(seeds)]
    parts = [INTRODUCTION, *_at_a_glance(seeds, judged), *_claims(seeds, judged)]
    if not seeds:
        return "\n".join([*parts, "\nNo seed has been made yet, so that there are no losses to compare.\n"])
    parts += [*_losses(seeds, folder), *_duels(seeds, folder), *_orderings(seeds), *_cost(seeds)]
    return "\n".join(parts) + "\n"


def summary(seeds: Sequence[Seed]) -> str:
    """What the README shows of the page: AtmoDist's loss against four others, a word for each verdict."""
    others = {DISTANCE: "ℓ2", PRETEXT: "random weights", BASELINE: "an autoencoder", SPECTRAL: "AMSE"}
    words = {"holds": "**{:.2f}** better", "fails": "{:.2f} *worse*", "undecided": "{:.2f} open"}
    rows, counts = {}, set()
    for claim in claims(seeds):
        estimate, verdict, _ = judge(seeds, claim)
        if claim.text in others:
            cells = rows.setdefault((others[claim.text], claim.setting), [])
            cells.append(words[verdict].format(estimate.value) if estimate else "–")
            counts |= {estimate.seeds} if estimate else set()
    head = ["over that of", "trained with", *(MEASURES[name].label for name in MEANINGS)]
    table = [row(*cells) for cells in (head, ["---"] * len(head), *((*key, *rows[key]) for key in rows))]
    count = " or ".join(map(str, sorted(counts)))
    return "\n".join([f"Error of AtmoDist's loss, mean of {count} seeds:\n", *table])


def with_summary(readme: str, seeds: Sequence[Seed]) -> str:
    """A README whose part between `MARKS` is the summary; raises ``InputError`` if it has no such part."""
    begin, end = MARKS
    if not 0 <= readme.find(begin) < readme.find(end):
        raise InputError(f"the README has no lines {begin} and {end}; expected the study's summary between")
    if not seeds:
        return readme
    before, _, rest = readme.partition(begin)
    return f"{before}{begin}\n{summary(seeds)}\n{end}{rest.partition(end)[2]}"


def _at_a_glance(seeds, judged):
    yield f"## At a glance\n\nSeeds: {len(seeds)}. Ratios of errors, below 1 where a claim holds; verdicts.\n"
    yield row("claim", "setting", "seeds", *(MEASURES[name].label for name in MEANINGS))
    yield row(*["---"] * (3 + len(MEANINGS)))
    cells = {}
    for claim, estimate, verdict, _ in judged:
        ratio = f"{estimate.value:.2f} " if estimate else ""
        count = str(estimate.seeds) if estimate else "0"
        cells.setdefault((claim.text, claim.setting, count), []).append(f"{ratio}{verdict}")
    for about, found in cells.items():
        yield row(*about, *found)


def _claims(seeds, judged):
    yield "\n## Claims\n\nThe same with intervals, and what is missing where there is no verdict.\n"
    yield row("claim", "where", "setting", "result", "seeds in favour", "verdict", "what would decide it")
    yield row(*["---"] * 7)
    estimate, verdict, open_for = skill(seeds)
    skilled = sum(int(values[0, 0] > 1) for values in _accuracies(seeds))
    yield row(
        "A network tells from two patches how many hours lie between them better than chance",
        "both papers, training of AtmoDist",
        "accuracy over chance, above 1 if the claim holds",
        number(estimate),
        f"{skilled} of {estimate.seeds if estimate else 0}",
        f"**{verdict}**",
        open_for,
    )
    for claim, estimate, verdict, open_for in judged:
        text = f"{claim.text}: {MEANINGS[claim.measure]}"
        favour = study.in_favour(seeds, claim.system, claim.reference, claim.measure)
        told = number(estimate), f"{favour} of {estimate.seeds if estimate else 0}", f"**{verdict}**"
        yield row(text, claim.source, claim.setting, *told, open_for)


def _losses(seeds, folder):
    yield "\n## Losses\n\nErrors; and in how many measures the error is certainly less (wins) or more"
    yield "(losses) than that of ℓ2 in the same setting, by the rule of the verdicts. The adjusted squared"
    yield "error (amse) minimises errors of amplitude at the wavenumbers of a patch, so that kinetic energy"
    yield "is close to its own measure.\n"
    heads = (f"{each.label} / 10⁻⁶ {each.unit}" if each.unit else each.label for each in MEASURES.values())
    yield row("model", *heads, "wins", "losses", "open")
    yield row("---", *["---:"] * (len(MEASURES) + 3))
    for model in ["bilinear", *models(seeds)]:
        hidden = not_judged(seeds, model)
        cells = [
            "–" if name in hidden else number(study.error(seeds, model, name), 1e-6 if each.unit else 1)
            for name, each in MEASURES.items()
        ]
        reference = reference_of(model)
        if model == reference or reference not in models(seeds):
            counts = ["", "", ""]
        else:
            found = study.wins_and_losses(seeds, model, reference, hidden)
            counts = [str(found.count(word)) for word in ("win", "loss", "open")]
        yield row(model, *cells, *counts)
    yield f"\n![Errors of every loss over those of ℓ2]({folder}/ratios.png)"
    ratio, degree, model = _greatest_energy(seeds)
    yield "\nKinetic energy over the truth's, geometric mean over seeds. Up to half the truncation, which the"
    yield f"error of kinetic energy leaves out, the greatest is {ratio:.2g}, of {model} at degree {degree}:"
    yield f"\n![Kinetic energy of every loss over the truth's, against degree]({folder}/spectra.png)"


def _greatest_energy(seeds):
    """Greatest ratio to the truth's in the lower half of the degrees, its degree and its model."""
    spectra = {model: study.spectrum(seeds, model) for model in models(seeds)}
    lower = {model: each[each.index <= each.index[-1] // 2] for model, each in spectra.items()}
    return max((each.max(), each.idxmax(), model) for model, each in lower.items())


def _orderings(seeds):
    shares, spread, count = study.orderings(seeds)
    if shares.empty:
        return
    yield "\n## Do distances order states rightly?\n"
    yield "Shares of triplets whose known order a distance finds ([orderings.md](orderings.md)), those of"
    yield "encoders at each of their stages (`lags-23` is AtmoDist's; `judge`, of other random weights, that"
    yield "of the Fréchet distance); the best in bold. `make study-orderings SEED=9` adds those of a seed,"
    yield "where its fields are."
    yield f"Seeds: {count}; between two of them a share differs by {spread:.2f} at most.\n"
    yield row("distance", *shares.columns)
    yield row("---", *["---:"] * len(shares.columns))
    rounded = shares.round(2)
    for distance, values in rounded.iterrows():
        best = values == rounded.max()
        yield row(distance, *(f"**{v:.2f}**" if b else f"{v:.2f}" for v, b in zip(values, best, strict=True)))


def _duels(seeds, folder):
    duels = _duellists(seeds)
    if not duels:
        return
    low, high = study.EVEN
    yield "\n## Balance of the duels\n"
    yield "The discriminator's loss, mean over epochs and seeds; undecided, it is 0.69. The paper's band is"
    yield f"{low} to {high:.2f}: where a batch leaves the loss below, the generator gets a further step,"
    yield "where above, the discriminator. How many of the epochs' means are within, and how many batches had"
    yield "such steps:\n"
    yield row("model", "weight", "discriminator's loss", "epochs in the band", *STEPS.values())
    yield row("---", *["---:"] * (3 + len(STEPS)))
    for model in duels:
        tables = [seed.tables for seed in seeds if model in seed.models()]
        weight = tables[0]["models"].set_index("model").loc[model, "adversarial_weight"]
        epochs = pd.concat([each["duel"][each["duel"]["model"] == model] for each in tables])
        even = epochs["discriminator"].between(low, high).mean()
        steps = (f"{epochs[name].mean():.0%}" for name in STEPS)
        yield row(model, f"{weight:g}", f"{study.balance(seeds, model):.2f}", f"{even:.0%}", *steps)
    yield f"\n![The discriminator's loss against epoch]({folder}/duels.png)"


def _duellists(seeds):
    return [model for model in models(seeds) if not np.isnan(study.balance(seeds, model))]


def _cost(seeds):
    yield "\n## What a seed took\n"
    yield "Of training runs that were stopped and resumed only what came after is known: more than.\n"
    yield row("seed", "processor", "cores", "precision", "models", "hours of processor time")
    yield row("---", "---", "---:", "---", "---:", "---:")
    for seed in seeds:
        about, (hours, partial) = seed.about(), seed.hours()
        told = f"more than {hours:.1f}" if partial else f"{hours:.1f}"
        machine = (about[key] for key in ("processor", "cores", "precision"))
        yield row(seed.name, *machine, str(len(seed.models())), told)


def draw(seeds: Sequence[Seed], folder: Path) -> None:
    """Write ``ratios``, ``spectra`` and ``duels`` as PDF and PNG; nothing without seeds."""
    panels = {
        setting: [model for model in models(seeds) if setting_of(model) == suffix]
        for suffix, setting in SETTINGS.items()
    }
    panels = {setting: members for setting, members in panels.items() if members}
    looks = plots.lines(list(dict.fromkeys(map(loss_of, models(seeds)))))
    duels = _duellists(seeds)
    for name, draw_panel, drawn in (
        ("ratios", _draw_ratios, panels),
        ("spectra", _draw_spectra, panels),
        ("duels", _draw_duels, {"": duels} if duels else {}),
    ):
        if drawn:
            with plots.style():
                settings = {"figsize": (plots.WIDTH, 3.3), "sharex": True, "sharey": True, "squeeze": False}
                figure, axes = pyplot.subplots(1, len(drawn), **settings)
                shown = {}
                for panel, (setting, members) in zip(axes[0], drawn.items(), strict=True):
                    panel.set_title(setting, fontsize="medium")
                    draw_panel(panel, seeds, members, looks)
                    panel.label_outer()
                    handles, labels = panel.get_legend_handles_labels()
                    shown |= dict(zip(labels, handles, strict=True))
                plots.legend(figure, list(shown.values()), list(shown))
                plots.save(figure, folder / f"{name}.pdf", folder / f"{name}.png", 150)


def _draw_ratios(axes, seeds, members, looks):
    """Errors over those of ℓ2 in the same setting, with intervals, for each measure."""
    compared = [model for model in members if model != reference_of(model)]
    for index, model in enumerate(compared):
        found = {
            place: estimate
            for place, name in enumerate(MEASURES)
            if name not in not_judged(seeds, model)
            and (estimate := study.ratio(seeds, model, reference_of(model), name)) is not None
        }
        places = np.array(list(found)) + (index + 0.5) / len(compared) * 0.6 - 0.3
        value, low, high = np.array([[e.value, e.low, e.high] for e in found.values()]).reshape(-1, 3).T
        look = looks[loss_of(model)]
        axes.plot(value, places, ".", color=look["color"], label=loss_of(model))
        axes.hlines(places, low, high, color=look["color"], linestyle=look.get("linestyle", "-"))
    axes.axvline(1, color="0.6", linewidth=0.8)
    axes.set(xscale="log", xlabel="error over that of ℓ2", ylim=(len(MEASURES) - 0.5, -0.5))
    _plain_numbers(axes.xaxis, [1, 3])
    axes.set_yticks(range(len(MEASURES)), [measure.label for measure in MEASURES.values()])


def _plain_numbers(axis, digits):
    """Numbers that begin with one of the digits, without powers of ten, on an axis of logarithms."""
    axis.set_major_locator(LogLocator(subs=digits))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_spectra(axes, seeds, members, looks):
    """Kinetic energy over the truth's by degree."""
    looks = {**looks, **plots.lines(["bilinear"])}
    for model in ["bilinear", *members]:
        spectrum = study.spectrum(seeds, model)
        axes.plot(spectrum.index, spectrum, **looks[loss_of(model)])
    axes.axhline(1, color="black", linewidth=0.8, label="truth")
    axes.set(yscale="log", xlabel="spherical-harmonic degree", xlim=(1, spectrum.index[-1]))
    axes.set_ylim(0.08, max(2, axes.get_ylim()[1]))  # the panels share it
    _plain_numbers(axes.yaxis, [1, 2, 5])
    axes.set_ylabel("kinetic energy over the truth's")


def _draw_duels(axes, seeds, members, looks):
    """The discriminator's loss against epoch, mean over seeds, and the band in which neither wins."""
    for model in members:
        look = looks[loss_of(model)] | {"label": model}
        if setting_of(model) == "-paper":
            look |= {"linestyle": "--"}
        tables = [seed.tables["duel"] for seed in seeds if model in seed.models()]
        means = [table[table["model"] == model].set_index("epoch")["discriminator"] for table in tables]
        axes.plot(means[0].index, np.mean(means, axis=0), marker=".", **look)
    axes.axhspan(*study.EVEN, color="0.93", zorder=0, label="the paper's band")
    axes.axhline(np.log(2), color="0.6", linewidth=0.8, label="undecided")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel="discriminator's loss")
