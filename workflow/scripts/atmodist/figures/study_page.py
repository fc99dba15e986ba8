"""The page of the study, docs/study.md: losses, duels and claims, every result and verdict computed here."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from atmodist.core.errors import InputError
from atmodist.evaluation import study, study_seed
from atmodist.evaluation.claims import (
    BASELINE,
    DISTANCE,
    LONGER_PRETEXT,
    MEANINGS,
    PRETEXT,
    SKILLS,
    SPECTRAL,
    accuracies,
    duellists,
    judge,
    models,
    not_judged,
    reference_of,
    skill,
    wins_and_losses,
)
from atmodist.evaluation.study import MEASURES, Estimate
from atmodist.evaluation.study_seed import Seed

MARKS = "<!-- made by `make study-page` -->", "<!-- end -->"
"""What the summary stands between in the README."""
STEPS = {
    "extra_generator": "further steps of the generator",
    "extra_discriminator": "further steps of the discriminator",
}
"""Shares of batches in the tables of a duel."""
INTRODUCTION = f"""\
# What a learned distance is good for

Super-resolution networks trained with different content losses, all else equal but for the further steps of
the duels, on the finer synthetic atmosphere ([synthetic.md](synthetic.md); `config/study.yaml`). *This page
is made by `make study-page` from the tables in docs/study; every result and verdict is computed.* `make study
SEED=100` makes a seed, an atmosphere, networks and evaluated days of its own, keeps its tables in
docs/study/seed-100 and makes this page and the README's table anew. `MORE="config/study-all.yaml
config/study-longer.yaml"` gives it all losses.

**Words.** The *pretext task* is AtmoDist's: to tell how many hours lie between two patches, their *lag*. A
*duel* is the adversarial training of generator and discriminator; without one, a network is trained with the
content loss alone. A model is named by its content loss:

- `l2`, the mean squared error;
- `atmodist`, the distance of the encoder's last stage; `atmodist-2` and `atmodist-3`, of its stages 2 and 3;
- `atmodist-longer`, of an encoder trained for 13 epochs in place of 6, in which its learning rate fell
  (`config/study-longer.yaml`);
- `random`, of the last stage of the same encoder with random weights;
- `autoencoder`, of an encoder with another pretext task;
- `amse`, the adjusted squared error of amplitudes (Subich et al. 2025,
  [arXiv:2501.19374](https://arxiv.org/abs/2501.19374)).

The end of the name is the weight of the adversarial loss: none without an ending, 0.001 with `-paper`, one at
which the duels are about equally balanced with `-even`.

**Errors** are 0 for the truth. Each is the geometric mean, over divergence and vorticity, of the two means
over seeds. A ratio divides these means, so that a seed with large errors weighs most, and the ratio may lie
on the other side of 1 than that of most seeds.

- *Kinetic energy*: mean |log₁₀| of the ratio to the truth, above half the truncation; 1 is a factor of ten.
- *Semivariogram*: the same at distances of 25 to 1000 km. Below the grid's spacing, 78 km, there are two,
  both of neighbouring points.
- *Power outside the band*: share of the power that lies at zonal wavenumbers above the truncation.
- *Total variation*: size of the difference of the means.
- *Local Wasserstein*: mean over cities, 3 × 3 pixels.
- *Fréchet distance*: in the space of an encoder with random weights, other ones than those of the loss.

**Intervals** (95 %) are of a hierarchical bootstrap: seeds with replacement, in each of them blocks of days
with replacement. With few seeds its quantiles make too narrow an interval. So it is widened on a logarithmic
scale, by the ratio of Student's t to the normal distribution's quantile and by √(R / (R − 1)) for R seeds
(Hesterberg 2015, doi:10.1080/00031305.2015.1089789).

**Verdicts**: a claim *holds* or *fails* if there are at least {study.SEEDS_NEEDED} seeds and the whole
interval is on one side of 1; else it is *undecided*, and the page says at how many seeds the interval would,
with even chance at best, leave 1 out if ratio and spread stayed as they are. At equal balance, the mean
losses of the two discriminators differ by at most {study.BALANCE}; else the comparison is undecided,
whatever its ratio. Each row is judged by itself, and its verdict may change as seeds are added: were all
ratios truly 1, chance would decide about one row in twenty at a given number of seeds, and about one in six
at some number from 3 to 10. Verdicts marked ° disappear when all rows are judged together, so that on
average at most 5 % of the verdicts are false (Benjamini & Hochberg 1995,
doi:10.1111/j.2517-6161.1995.tb02031.x); next to that limit the mark depends on the bootstrap's draws.
"""


def number(estimate: Estimate | None, unit: float = 1) -> str:
    """Value and interval in a unit, three digits."""
    if estimate is None:
        return "–"
    value, low, high = (each / unit for each in (estimate.value, estimate.low, estimate.high))
    return f"{value:.3g}" if np.isnan(low) else f"{value:.3g} ({_end(low)} to {_end(high)})"


def _end(value: float) -> str:
    """Three digits, or so many more that the end of an interval that leaves 1 out is not printed as 1."""
    told = (f"{value:.{digits}g}" for digits in (3, 4, 5, 6))
    return next((each for each in told if each != "1"), "1")


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f} %"


def row(*cells: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(cells) + " |"


def text(seeds: Sequence[Seed], folder: str) -> str:
    """The page; ``folder`` is where its figures lie, seen from it."""
    judged = judge(seeds)
    parts = [INTRODUCTION, *_at_a_glance(seeds, judged), *_claims(seeds, judged)]
    if not seeds:
        return "\n".join([*parts, "\nNo seed has been made yet, so that there are no losses to compare.\n"])
    parts += [*_losses(seeds, folder), *_duels(seeds, folder), *_orderings(seeds), *_cost(seeds)]
    return "\n".join(parts) + "\n"


def summary(seeds: Sequence[Seed]) -> str:
    """What the README shows of the page: AtmoDist's loss against others, a word for each verdict."""
    others = {
        DISTANCE: "ℓ2",
        PRETEXT: "random weights",
        LONGER_PRETEXT: "random weights, AtmoDist trained for longer",
        BASELINE: "an autoencoder",
        SPECTRAL: "AMSE",
    }
    words = {"holds": "**{:.2f}** better", "fails": "{:.2f} *worse*", "undecided": "{:.2f} open"}
    rows, counts = {}, set()
    for claim, found in judge(seeds):
        if claim.text in others:
            cells = rows.setdefault((others[claim.text], claim.setting), [])
            estimate, words_for_it = found.estimate, found.marked(words[found.verdict])
            cells.append(words_for_it.format(estimate.value) if estimate else "–")
            counts |= {estimate.seeds} if estimate else set()
    head = ["against", "trained with", *(MEASURES[name].label for name in MEANINGS)]
    ordered = sorted(rows, key=lambda key: list(others.values()).index(key[0]))
    table = [row(*cells) for cells in (head, ["---"] * len(head), *((*key, *rows[key]) for key in ordered))]
    count = " or ".join(map(str, sorted(counts))).replace(" or ", ", ", max(len(counts) - 2, 0))
    told = (
        f"Errors with AtmoDist's loss divided by those with another, means of {count} seeds: below 1, "
        "AtmoDist's\nis better. ° marks verdicts that are open when all rows are judged together.\n"
    )
    return "\n".join([told, *table])


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
    rows = {}
    for claim, found in judged:
        rows.setdefault((claim.text, claim.setting), []).append(found)
    for about, each in rows.items():
        counts = sorted({found.estimate.seeds if found.estimate else 0 for found in each})
        told = (
            f"{found.estimate.value:.2f} {found.marked(found.verdict)}" if found.estimate else found.verdict
            for found in each
        )
        yield row(*about, " or ".join(map(str, counts)), *told)


def _claims(seeds, judged):
    yield "\n## Claims\n\nThe same with intervals, and what is missing where there is no verdict."
    for note, names in study_seed.notes(seeds).items():
        yield f"Of {', '.join(names)}: {note}."
    yield ""
    yield row("claim", "where", "setting", "result", "seeds in favour", "verdict", "what would decide it")
    yield row(*["---"] * 7)
    for encoder, text in SKILLS.items():
        each = [values[0, 0] for values in accuracies(seeds, encoder)]
        if each or not seeds:
            found = skill(seeds, encoder)
            yield row(
                text,
                "both papers, training of AtmoDist",
                "accuracy over chance, above 1 if the claim holds",
                number(found.estimate),
                f"{sum(value > 1 for value in each)} of {len(each)}",
                f"**{found.verdict}**",
                found.open_for,
            )
    for claim, found in judged:
        text = f"{claim.text}: {MEANINGS[claim.measure]}"
        favour = study.in_favour(seeds, claim.system, claim.reference, claim.measure)
        told = number(found.estimate), f"{favour} of {found.estimate.seeds if found.estimate else 0}"
        verdict = found.marked(f"**{found.verdict}**")
        yield row(text, claim.source, claim.setting, *told, verdict, found.open_for)


def _losses(seeds, folder):
    yield "\n## Losses\n\nErrors, and the number of measures in which a model is better (wins) or worse"
    yield "(losses) than ℓ2 in the same setting, by the rule of the verdicts, each judged by itself. The"
    yield "adjusted squared error (amse) minimises errors of amplitude at the wavenumbers of a patch, so that"
    yield "kinetic energy is close to its own measure.\n"
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
            found = wins_and_losses(seeds, model)
            counts = [str(found.count(word)) for word in ("win", "loss", "open")]
        yield row(model, *cells, *counts)
    yield "\nErrors over those of ℓ2 with their 95 % intervals; an arrow marks one that leaves the plot:"
    yield f"\n![Errors of every loss over those of ℓ2]({folder}/ratios.png)"
    means = {name: study.spectrum(seeds, name) for name in models(seeds)}
    ratio, degree, model = _greatest_energy(means)
    single, single_degree, single_model = _greatest_energy(
        {name: study.spectra(seeds, name).max(axis=1) for name in means}
    )
    last = {name: each.iloc[-1] for name, each in means.items()}
    most = max(last, key=last.get)
    above = sum(value > 1 for value in last.values())
    yield "\nKinetic energy over the truth's, geometric mean over seeds. Up to half the truncation, which the"
    yield f"error of kinetic energy leaves out, the greatest is {ratio:.2g}, of {model} at degree {degree},"
    yield f"and in a single seed {single:.2g}, of {single_model} at degree {single_degree}. At the last"
    yield f"degree {above} of {len(last)} models have more than the truth, {most} {last[most]:.2g} times it:"
    yield f"\n![Kinetic energy of every loss over the truth's, against degree]({folder}/spectra.png)"


def _greatest_energy(spectra):
    """Greatest ratio to the truth's in the lower half of the degrees, its degree and its model."""
    lower = {model: each[each.index <= each.index[-1] // 2] for model, each in spectra.items()}
    return max((each.max(), each.idxmax(), model) for model, each in lower.items())


def _orderings(seeds):
    shares, counts, spread = study.orderings(seeds)
    if shares.empty:
        return
    yield "\n## Do distances order states rightly?\n"
    yield "Shares of triplets whose known order a distance finds ([orderings.md](orderings.md)), those of"
    yield "encoders at each of their stages (`lags-23` is AtmoDist's; `judge`, of other random weights, that"
    yield "of the Fréchet distance). `l2 smoothed`, that of fields under a Gaussian filter, is a control of"
    yield "what needs no training. The largest to three digits is in bold. `make study-orderings SEED=100`"
    yield "adds those of a seed, where its results are."
    most = np.ceil(100 * spread) / 100
    yield "Means over the seeds that have a distance, which are not the same for all of them; between two"
    yield f"seeds a share differs by {most:.2f} at most."
    found, counted = study.moves_with_triplets(seeds)
    if counted:
        told = " and ".join(f"{percent(share)} in `{family}`" for family, share in found.items())
        yield f"A second state with the error of the move exists for {told} of the moves, the"
        yield f"shorter ones (counted in {counted} seeds)."
    yield ""
    yield row("distance", "seeds", *shares.columns)
    yield row("---", *["---:"] * (len(shares.columns) + 1))
    rounded = shares.round(3)
    for distance, values in shares.iterrows():
        best = rounded.loc[distance] == rounded.max()
        told = (f"**{v:.2f}**" if b else f"{v:.2f}" for v, b in zip(values, best, strict=True))
        yield row(distance, str(counts[distance]), *told)


def _duels(seeds, folder):
    duels = duellists(seeds)
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
        steps = (percent(epochs[name].mean()) for name in STEPS)
        yield row(model, f"{weight:g}", f"{study.balance(seeds, model):.2f}", percent(even), *steps)
    yield f"\n![The discriminator's loss against epoch]({folder}/duels.png)"


def _cost(seeds):
    yield "\n## What a seed took\n"
    yield "Lower bounds: processor time is sampled every half a minute, and of training runs that were"
    yield "stopped and resumed only what came after is known (more than).\n"
    yield row("seed", "processor", "cores", "precision", "models", "hours of processor time")
    yield row("---", "---", "---:", "---", "---:", "---:")
    for seed in seeds:
        about, (hours, partial) = seed.about(), seed.hours()
        told = f"more than {hours:.1f}" if partial else f"{hours:.1f}"
        machine = (about[key] for key in ("processor", "cores", "precision"))
        yield row(seed.name, *machine, str(len(seed.models())), told)
