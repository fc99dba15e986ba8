"""What is put to the test in the study: the claims of the papers, our controls, and the verdict on each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import false_discovery_control

from atmodist.evaluation import study
from atmodist.evaluation.study import Estimate
from atmodist.evaluation.study_seed import Seed

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
SKILLS = {
    "lags-23": "A network tells from two patches how many hours lie between them better than chance",
    "lags-23-longer": "The same network, trained for longer, does",
}
"""Encoder, and the claim on its accuracy."""
DISTANCE = "AtmoDist's loss beats ℓ2"
PRETEXT = "The pretext task beats random weights"
WEIGHT = "A larger adversarial weight beats the paper's, without the distance"
DEPTH = "The last stage, the paper's, beats stage {}"
BASELINE = "The pretext task beats an autoencoder's"
SPECTRAL = "AtmoDist's loss beats the adjusted squared error (AMSE)"
TRAINING = "Longer training of AtmoDist improves its loss"
LONGER_DISTANCE = "AtmoDist's loss, trained for longer, beats ℓ2"
LONGER_PRETEXT = "The pretext task, trained for longer, beats random weights"
COMPARISONS = (
    (DISTANCE, PAPER, "atmodist-paper", "l2-paper", SETTINGS["-paper"]),
    (DISTANCE, PAPER, "atmodist-even", "l2-even", SETTINGS["-even"]),
    (DISTANCE, PAPER, "atmodist", "l2", SETTINGS[""]),
    (PRETEXT, CONTROL, "atmodist-even", "random-even", SETTINGS["-even"]),
    (PRETEXT, CONTROL, "atmodist", "random", SETTINGS[""]),
    (WEIGHT, CONTROL, "l2-even", "l2-paper", "ℓ2 with both"),
    *(
        (text, source, f"{system}{suffix}", f"{reference}{suffix}", SETTINGS[suffix])
        for text, source, system, reference in (
            (BASELINE, "the original's code; the comparison is ours", "atmodist", "autoencoder"),
            (DEPTH.format(3), "Hoffmann & Lessig 2023, content loss", "atmodist", "atmodist-3"),
            (DEPTH.format(2), "Hoffmann & Lessig 2023, content loss", "atmodist", "atmodist-2"),
            (SPECTRAL, "Subich et al. 2025; the comparison is ours", "atmodist", "amse"),
            (TRAINING, CONTROL, "atmodist-longer", "atmodist"),
            (LONGER_DISTANCE, PAPER, "atmodist-longer", "l2"),
            (LONGER_PRETEXT, CONTROL, "atmodist-longer", "random"),
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


@dataclass(frozen=True)
class Judgement:
    """What becomes of a claim, or of a comparison."""

    estimate: Estimate | None
    """Ratio of the errors, or what else is compared with 1."""
    verdict: str
    """``holds``, ``fails`` or ``undecided``."""
    open_for: str
    """What would decide it."""
    alone: bool = False
    """Decided by itself, but not if all claims are judged together."""

    def marked(self, verdict: str) -> str:
        """The verdict, or a word for it, with the mark of those that are `alone`."""
        return f"{verdict}°" if self.alone else verdict


def unlike(seeds: Sequence[Seed], system: str, reference: str) -> str:
    """Why models that are to be compared at equal balance are not, or nothing."""
    of_balance = setting_of(system) == setting_of(reference) == "-even"
    return study.evenness(seeds, [system, reference]) if of_balance else ""


def compare(seeds: Sequence[Seed], system: str, reference: str, measure: str) -> Judgement:
    """Whether the error of a system is less than that of another: undecided if their duels are unlike."""
    estimate = study.ratio(seeds, system, reference, measure)
    if estimate and (why := unlike(seeds, system, reference)):
        return Judgement(estimate, "undecided", why)
    return Judgement(estimate, *study.decide(estimate))


def judge(seeds: Sequence[Seed]) -> list[tuple[Claim, Judgement]]:
    """Every claim and what becomes of it, by itself and if all are judged together.

    By Benjamini & Hochberg 1995 (doi:10.1111/j.2517-6161.1995.tb02031.x), among the claims that have seeds
    enough for a verdict and, in a duel, an equal balance: at most 5 % of the verdicts may be false.
    """
    judged = {claim: compare(seeds, claim.system, claim.reference, claim.measure) for claim in claims(seeds)}
    tested = {
        claim: study.probability(found.estimate)
        for claim, found in judged.items()
        if found.estimate
        and found.estimate.seeds >= study.SEEDS_NEEDED
        and not unlike(seeds, claim.system, claim.reference)
    }
    controlled = false_discovery_control(list(tested.values())) if tested else ()
    adjusted = dict(zip(tested, controlled, strict=True))
    return [
        (claim, replace(found, alone=found.verdict != "undecided" and adjusted[claim] > 0.05))
        for claim, found in judged.items()
    ]


def wins_and_losses(seeds: Sequence[Seed], system: str) -> list[str]:
    """``win``, ``loss`` or ``open`` for each measure that a system is judged by, against its reference."""
    words = {"holds": "win", "fails": "loss", "undecided": "open"}
    judged = [name for name in study.MEASURES if name not in not_judged(seeds, system)]
    return [words[compare(seeds, system, reference_of(system), name).verdict] for name in judged]


def skill(seeds: Sequence[Seed], encoder: str) -> Judgement:
    """Accuracy of the lag over chance, and the verdict on its being above 1."""
    parts = accuracies(seeds, encoder)
    estimate = Estimate.of(study.pooled(parts)[:, 0], len(parts)) if parts else None
    if estimate is None:
        return Judgement(None, "undecided", f"{study.SEEDS_NEEDED} seeds")
    return Judgement(estimate, *study.decide(estimate, below=False))


def accuracies(seeds: Sequence[Seed], encoder: str) -> list[np.ndarray]:
    """An encoder's accuracies over chance (sample, 1) of the seeds that have them."""
    each = [seed.samples("atmodist", encoder, "accuracy_over_chance") for seed in seeds]
    return [values for values in each if values.size]
