"""Seeds of the study made up of errors that are known."""

import numpy as np
import pandas as pd

from atmodist.evaluation import claims, study, study_seed

MODELS = {"l2": ("mse", 0), "atmodist": ("lags-23", 0), "random": ("random", 0)}
MODELS |= {f"{name}-{end}": (of, 0.01) for name, (of, _) in MODELS.items() for end in ("even", "paper")}


def write_seed(
    folder, number, errors, balance=None, noise=0.02, settings="a", accuracy=3.0, models=MODELS, **more
):
    """A seed whose systems have ``errors`` by name, 1 where not named, and duels of a ``balance``.

    ``more`` is told about it.
    """
    rng = np.random.default_rng(number)
    path = folder / f"seed-{number}"
    path.mkdir(parents=True)
    rows = []

    def add(group, system, quantity, variable, value):
        draws = value * np.exp(noise * np.concatenate([[0], rng.standard_normal(30)]))
        about = {"group": group, "system": system, "quantity": quantity, "variable": variable}
        rows.append(about | {f"draw_{i}": each for i, each in enumerate(draws)})

    add("atmodist", "lags-23", "accuracy_over_chance", "", accuracy)
    for system in ["bilinear", *models]:
        for measure in study.MEASURES.values():
            value = errors.get(system, 1.0) * np.exp(noise * rng.standard_normal())
            one = measure.quantity in ("frechet_distance", "kinetic_energy_error_upper_half")
            for variable in [""] if one else ["divergence", "vorticity"]:
                kept = {"ssim": 1 - value / 4, "total_variation_difference": -value}
                kept = kept.get(measure.quantity, value)
                add("super_resolution", system, measure.quantity, variable, kept)
    table = [
        {"model": name, "content": of, "layer": "", "adversarial_weight": weight, "settings": name}
        for name, (of, weight) in models.items()
    ]
    duel = [
        {"model": name, "epoch": epoch, "seconds": 100, "extra_generator": 0.25, "extra_discriminator": 0.5}
        | {"discriminator": (balance or {}).get(name, 0.5) if weight else np.nan}
        for name, (_, weight) in models.items()
        for epoch in (1, 2)
    ]
    about = {"seed": number, "settings": settings, "judge": "judge", "precision": "32-true"}
    about |= {"processor": "a CPU", "cores": 2} | more
    tables = {
        "about": pd.DataFrame({"key": list(about), "value": list(about.values())}),
        "draws": pd.DataFrame(rows),
        "models": pd.DataFrame(table),
        "duel": pd.DataFrame(duel),
        "jobs": pd.DataFrame([{"job": "x", "s": 9000, "cpu_time": 7200}]),
        "spectra": pd.DataFrame(
            {"degree": [1, 2], "truth": [4.0, 2.0]}
            | {system: [4 * errors.get(system, 1.0), 2.0] for system in ["bilinear", *models]}
        ),
    }
    for name, each in tables.items():
        each.to_csv(path / f"{name}.csv", index=False)


def verdicts(folder):
    """Verdict of each claim, by system, reference and measure."""
    seeds = study_seed.read(folder)
    found = {
        (claim.system, claim.reference, claim.measure): judgement for claim, judgement in claims.judge(seeds)
    } | {"skill": claims.skill(seeds, "lags-23")}
    return {key: (judgement.verdict, judgement.open_for) for key, judgement in found.items()}
