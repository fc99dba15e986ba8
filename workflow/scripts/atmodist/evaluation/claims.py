"""What is put to the test in the study: the claims of the papers, our controls, and the verdict on each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from atmodist.evaluation import study
from atmodist.evaluation.study import Estimate, Seed

SETTINGS = {
    "": "content loss alone",
    "-even": "equal balance of the duel",
    "-paper": "the paper's weight, 0.001",
}
"""End of a model's name, and how models of that name are trained."""
PAPER = "Hoffmann & Lessig 2021 and 2023, evaluation of super-resolution"
CONTROL = "implied by both papers; the control is ours"


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


def duellists(seeds: Sequence[Seed]) -> list[str]:
    """Models that were trained in a duel."""
    return [model for model in models(seeds) if not np.isnan(study.balance(seeds, model))]


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
    parts = accuracies(seeds)
    estimate = Estimate.of(study.pooled(parts)[:, 0], len(parts)) if parts else None
    if estimate is None:
        return None, "undecided", f"{study.SEEDS_NEEDED} seeds"
    return estimate, *study.decide(estimate, below=False)


def accuracies(seeds: Sequence[Seed]) -> list[np.ndarray]:
    """Accuracies over chance (sample, 1) of the seeds that have them."""
    each = [seed.samples("atmodist", "lags-23", "accuracy_over_chance") for seed in seeds]
    return [values for values in each if values.size]
