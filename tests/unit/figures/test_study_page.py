"""Verdicts follow from made-up seeds whose answers are known, and the page is that of the tables."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import yaml

from atmodist.core.errors import InputError
from atmodist.evaluation import claims, study
from atmodist.figures import study_figures, study_page

ROOT = Path(__file__).parents[3]
PAGE = " ".join(study_page.INTRODUCTION.split())
MODELS = {"l2": ("mse", 0), "atmodist": ("lags-23", 0), "random": ("random", 0)}
MODELS |= {f"{name}-{end}": (of, 0.01) for name, (of, _) in MODELS.items() for end in ("even", "paper")}


def seed(folder, number, errors, balance=None, noise=0.02, settings="a", accuracy=3.0, models=MODELS, **more):
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
    seeds = study.read(folder)
    found = {
        (claim.system, claim.reference, claim.measure): judgement for claim, judgement in claims.judge(seeds)
    } | {"skill": claims.skill(seeds, "lags-23")}
    return {key: (judgement.verdict, judgement.open_for) for key, judgement in found.items()}


def test_verdicts_are_those_of_the_numbers_and_turn_with_them(tmp_path):
    for number in (1, 2, 10):
        seed(tmp_path / "one", number, {"atmodist": 0.5, "random": 0.5, "atmodist-even": 1.5})
        seed(tmp_path / "other", number, {"atmodist": 1.5, "random": 0.5, "atmodist-even": 0.5}, accuracy=0.5)
    one, other = verdicts(tmp_path / "one"), verdicts(tmp_path / "other")
    for measure in claims.MEANINGS:
        assert one["atmodist", "l2", measure][0] == "holds"
        assert other["atmodist", "l2", measure][0] == "fails"
        assert one["atmodist-even", "l2-even", measure][0] == "fails"
        assert other["atmodist-even", "l2-even", measure][0] == "holds"
        assert other["atmodist", "random", measure][0] == "fails"
    assert one["skill"][0] == "holds"
    assert other["skill"][0] == "fails"


def test_a_spread_between_seeds_that_holds_no_difference_leaves_it_open(tmp_path):
    for number, error in enumerate((0.7, 1.0, 1.4), 1):
        seed(tmp_path, number, {"atmodist": error}, noise=0.001)
    verdict, why = verdicts(tmp_path)["atmodist", "l2", "spectrum"]
    assert verdict == "undecided"
    assert why == "more than 30 seeds, if ratio and spread stay"


def test_seeds_in_favour_are_counted_one_by_one(tmp_path):
    for number, error in enumerate((0.5, 0.5, 1.5), 1):
        seed(tmp_path, number, {"atmodist": error})
    seed(tmp_path, 4, {}, models={"l2": ("mse", 0)})
    seeds = study.read(tmp_path)
    for measure in study.MEASURES:
        assert study.in_favour(seeds, "atmodist", "l2", measure) == 2
        assert study.in_favour(seeds, "l2", "atmodist", measure) == 1
    rows = [line for line in study_page.text(seeds, "study").splitlines() if line.startswith("| A network")]
    assert [row.split(" | ")[4:6] for row in rows] == [["4 of 4", "**holds**"]]


def test_longer_training_is_judged_where_seeds_have_it(tmp_path):
    """Its accuracy and its losses, of the seeds that have them."""
    for number in (1, 2, 3, 4):
        longer = {"atmodist-longer": ("lags-23-longer", 0)} if number < 4 else {}
        seed(tmp_path, number, {"atmodist-longer": 0.5}, models=MODELS | longer)
    path = tmp_path / "seed-1/draws.csv"
    table = pd.read_csv(path)
    row = table[table["system"] == "lags-23"].assign(system="lags-23-longer")
    pd.concat([table, row]).to_csv(path, index=False)
    seeds = study.read(tmp_path)
    found = {(claim.text, claim.reference): judgement for claim, judgement in claims.judge(seeds)}
    for text, reference in (
        (claims.TRAINING, "atmodist"),
        (claims.LONGER_DISTANCE, "l2"),
        (claims.LONGER_PRETEXT, "random"),
    ):
        judgement = found[text, reference]
        assert (judgement.estimate.seeds, judgement.verdict) == (3, "holds")
    page = study_page.text(seeds, "study")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| The same network, trained")]
    assert [cells[4:] for cells in rows] == [["1 of 1", "**undecided**", "2 more seeds |"]]


def test_the_probability_is_that_of_students_test():
    """Of values whose interval is Student's, and none where there is no interval."""
    values = np.log([0.7, 0.9, 0.8, 0.65, 1.1])
    low, high = np.exp(scipy.stats.t.interval(0.95, 4, values.mean(), scipy.stats.sem(values)))
    expected = scipy.stats.ttest_1samp(values, 0).pvalue
    for sign in (1, -1):
        ends = sorted((low**sign, high**sign))
        found = study.Estimate(np.exp(values.mean() * sign), *ends, seeds=5)
        assert study.probability(found) == pytest.approx(expected)
    for value, *ends in ((0.8, 0.4, 1.0), (1.25, 1.0, 2.5)):  # the end towards 1 counts, at it are 5 %
        assert study.probability(study.Estimate(value, *ends, seeds=5)) == pytest.approx(0.05)
    assert study.probability(study.Estimate(0.5, np.nan, np.nan, seeds=3)) == 1
    assert study.probability(study.Estimate(1.0, 1.0, 1.0, seeds=3)) == 1
    assert study.probability(study.Estimate(0.5, 0.5, 0.5, seeds=3)) == 0


def test_a_verdict_that_many_rows_give_by_chance_is_marked(tmp_path):
    """One ratio whose interval just leaves 1 out, beside rows that are decided and rows that are open."""
    errors = (0.6, 0.62, 1.0, 0.9, 0.7, 1.0)
    for number, error in enumerate(errors, 1):
        seed(tmp_path, number, {"random-even": 0.4, "atmodist-paper": error**0.8}, noise=0.02)
    seeds = study.read(tmp_path)
    judged = dict(claims.judge(seeds))
    marked = {claim for claim, judgement in judged.items() if judgement.alone}
    tested = {claim: study.probability(judgement.estimate) for claim, judgement in judged.items()}
    # By the procedure's own words: the largest k with p(k) ≤ 5 % k / m, and all up to it are rejected.
    ordered = sorted(tested.values())
    limits = [0.05 * (k + 1) / len(ordered) for k in range(len(ordered))]
    largest = max((p for p, limit in zip(ordered, limits, strict=True) if p <= limit), default=0)
    decided = {claim for claim, judgement in judged.items() if judgement.verdict != "undecided"}
    assert marked == {claim for claim in decided if tested[claim] > largest}
    assert decided > marked > set()
    page = study_page.text(seeds, "study")
    assert page.count("**°") == len(marked)


def test_all_together_are_judged_as_in_the_example_of_benjamini_and_hochberg(monkeypatch):
    """Their 15 probabilities (1995, section 4.1), of which the four least are rejected at 5 %.

    Claims without a verdict do not count, of too few seeds or of unlike duels: else more would be rejected.
    """
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    published += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]

    def estimate(probability, seeds=5):
        at, end = scipy.stats.t.isf([probability / 2, 0.025], seeds - 1)
        return study.Estimate(*np.exp(-0.2 * at / end + np.array([0, -0.2, 0.2])), seeds)

    found = {str(probability): estimate(probability) for probability in published}
    found |= {f"few {n}": estimate(0.001, seeds=2) for n in range(15)}
    found |= {f"unlike {n}": estimate(0.001) for n in range(15)}
    asked = [claims.Claim(name, "", name, "l2", "local", "") for name in found]
    monkeypatch.setattr(claims, "claims", lambda _: asked)
    monkeypatch.setattr(claims, "unlike", lambda _, system, __: system if "unlike" in system else "")
    monkeypatch.setattr(study, "ratio", lambda _, system, *__: found[system])
    judged = {claim.text: judgement for claim, judgement in claims.judge([])}
    decided = [name for name, judgement in judged.items() if judgement.verdict == "holds"]
    assert decided == [str(probability) for probability in published[:9]]
    assert [name for name in decided if not judged[name].alone] == decided[:4]


@pytest.mark.parametrize("value", [0.8, 1 / 0.8])
def test_as_many_seeds_are_told_as_would_decide_it(value):
    """Values with the same mean and spread, as many as told, are decided, one fewer are not."""

    def estimate(seeds):
        reach = np.exp(0.2 * scipy.stats.t.ppf(0.975, seeds - 1) / np.sqrt(seeds))
        return study.Estimate(value, value / reach, value * reach, seeds)

    told = study.seeds_to_decide(estimate(3))
    assert study.decide(estimate(3))[1] == f"about {told} seeds, if ratio and spread stay"
    assert told > 4
    assert study.decide(estimate(told - 1))[0] == "undecided"
    assert study.decide(estimate(told))[0] == ("holds" if value < 1 else "fails")
    still_open = study.Estimate(value, 0.5, 2, seeds=study.MANY_SEEDS + 1)
    assert study.decide(still_open)[1] == "more than 30 seeds, if ratio and spread stay"


def test_intervals_of_a_few_seeds_hold_the_truth_as_often_as_they_say():
    """Errors of two losses that are alike, with spread between seeds and blocks: the ratio is truly 1.

    The bootstrap's quantiles alone hold it in three of four cases.
    """
    rng = np.random.default_rng(0)

    def errors():
        blocks = np.exp(0.3 * rng.standard_normal() + 0.1 * rng.standard_normal(12))
        return np.concatenate([[blocks.mean()], blocks[rng.integers(12, size=(60, 12))].mean(axis=1)])

    held, plain = [], []
    for _ in range(200):
        one, other = (study.pooled([errors() for _ in range(4)]) for _ in range(2))
        estimate = study.Estimate.of(one / other, seeds=4)
        held.append(estimate.low < 1 < estimate.high)
        low, high = np.quantile(one / other, [0.025, 0.975])
        plain.append(low < 1 < high)
    assert 0.91 < np.mean(held) < 0.99
    assert np.mean(plain) < 0.85


def test_chance_decides_rows_as_often_as_the_page_says(monkeypatch):
    """Of ratios that are 1: one in twenty at a number of seeds, one in six at one or another from 3 to 9."""
    monkeypatch.setattr(study, "RESAMPLES", 1000)
    rng, rows = np.random.default_rng(0), 600

    def errors():
        blocks = np.exp(0.3 * rng.standard_normal(rows) + 0.1 * rng.standard_normal((12, rows)))
        return np.concatenate([blocks.mean(axis=0)[None], blocks[rng.integers(12, size=(40, 12))].mean(1)])

    one, other = ([errors() for _ in range(9)] for _ in range(2))
    decided = []
    for seeds in range(study.SEEDS_NEEDED, 10):
        ratios = study.pooled(one[:seeds]) / study.pooled(other[:seeds])
        found = [study.decide(study.Estimate.of(samples, seeds))[0] for samples in ratios.T]
        decided.append([verdict != "undecided" for verdict in found])
    assert 0.03 < np.mean(decided) < 0.07
    assert 0.13 < np.any(decided, axis=0).mean() < 0.20
    assert "one row in twenty at a given number of seeds, but about one in six at" in PAGE
    assert "from 3 to 9." in PAGE


def test_an_interval_is_students_where_draws_are_those_of_a_mean():
    values = np.random.default_rng(3).standard_normal(7)
    samples = study.pooled([np.full(11, value) for value in np.exp(0.1 * values)])
    expected = scipy.stats.t.interval(0.95, 6, values.mean(), scipy.stats.sem(values))
    found = study.Estimate.of(samples, seeds=7)
    assert np.log([found.low, found.high]) / 0.1 == pytest.approx(expected, abs=0.15)


def test_orderings_are_means_over_the_seeds_that_have_them(tmp_path):
    """The best of each family stands out, and the spread of seeds is told."""
    for number in (1, 2, 3):
        seed(tmp_path, number, {})
    assert study.orderings(study.read(tmp_path))[0].empty
    assert "order states" not in study_page.text(study.read(tmp_path), "study")
    for number, right in ((1, 0.8), (3, 0.9)):
        rows = [("l1", "lag", right), ("l1", "vortex", 0.5), ("l2", "lag", 0.7), ("l2", "vortex", 0.52)]
        rows = rows if number == 1 else rows[:2]
        table = pd.DataFrame(rows, columns=["distance", "family", "right"])
        table.to_csv(tmp_path / f"seed-{number}/orderings.csv", index=False)
    page = study_page.text(study.read(tmp_path), "study")
    assert "| l1 | 2 | **0.85** | 0.50 |\n| l2 | 1 | 0.70 | **0.52** |" in page
    assert "between two\nseeds a share differs by 0.10 at most.\n\n|" in page
    rows = [("l1", "lag", 0.904, 8), ("near", "lag", 0.903, 8), ("l1", "displacement", 1, 8)]
    rows += [("l1", "blur", 1, 26), ("l1", "scramble", 1, 38)]
    table = pd.DataFrame(rows, columns=["distance", "family", "right", "series"])
    table.to_csv(tmp_path / "seed-2/orderings.csv", index=False)
    page = study_page.text(study.read(tmp_path)[1:2], "study")
    assert "| l1 | 1 | **0.90** | **1.00** | **1.00** | **1.00** |\n| near | 1 | 0.90 |" in page
    told = "A second state is as far for 65% in `blur` and 95% in `scramble` of the moves, the shorter ones"
    assert f"{told} (of 1 seeds)." in page


@pytest.mark.parametrize(
    ("measure", "quantity", "values", "expected"),
    [
        ("spectrum", "kinetic_energy_error_upper_half", {"": 0.2}, 0.2),
        ("variation", "total_variation_difference", {"divergence": -1.0, "vorticity": 4.0}, 2),
        ("local", "wasserstein_3x3", {"divergence": 1.0, "vorticity": 9.0}, 3),
        ("ssim", "ssim", {"divergence": 0.9, "vorticity": 0.6}, 0.2),
        ("rmse", "area_weighted_rmse", {"divergence": 1.0, "vorticity": 9.0}, 3),
    ],
)
def test_errors_are_geometric_means_of_what_is_missing_to_the_truth(measure, quantity, values, expected):
    about = {"group": "super_resolution", "system": "a", "quantity": quantity}
    rows = [
        about | {"variable": variable, "draw_0": value, "draw_1": value} for variable, value in values.items()
    ]
    alone = study.Seed("seed-1", {"draws": pd.DataFrame(rows)})
    assert study.error([alone], "a", measure).value == pytest.approx(expected)


def test_two_seeds_decide_nothing(tmp_path):
    for number in (1, 2):
        seed(tmp_path, number, {"atmodist": 0.1})
    assert set(verdicts(tmp_path).values()) == {("undecided", "1 more seed")}


@pytest.mark.parametrize(
    ("balance", "expected", "told"), [(0.43, "holds", ""), (0.4, "undecided", "0.40 against 0.50")]
)
def test_unequal_duels_are_not_compared(tmp_path, balance, expected, told):
    """Those whose losses differ by more than 0.08."""
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist-even": 0.2}, {"atmodist-even": balance})
    verdict, why = verdicts(tmp_path)["atmodist-even", "l2-even", "local"]
    assert verdict == expected
    assert told in why


def test_models_that_are_not_of_equal_balance_are_compared_as_they_are(tmp_path):
    """Those with the paper's weight, and with two weights."""
    errors = {"l2-even": 0.2, "atmodist-paper": 0.2}
    for number in (1, 2, 3):
        seed(tmp_path, number, errors, {"l2-paper": 0.3, "atmodist-paper": 0.1})
    found = verdicts(tmp_path)
    assert found["atmodist-paper", "l2-paper", "local"] == ("holds", "")
    assert found["l2-even", "l2-paper", "local"] == ("holds", "")


def test_the_balance_of_a_duel_is_the_mean_over_its_epochs():
    duel = pd.DataFrame({"model": ["a", "a", "b"], "discriminator": [0.2, 0.6, 0.9]})
    assert study.Seed("seed-1", {"duel": duel}).balance("a") == pytest.approx(0.4)
    assert np.isnan(study.Seed("seed-1", {"duel": duel[["model"]]}).balance("a"))


def test_duels_that_are_unlike_neither_win_nor_lose(tmp_path):
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist-even": 0.2}, {"atmodist-even": 0.3 if number < 3 else 0.4})
    assert set(claims.wins_and_losses(study.read(tmp_path), "atmodist-even")) == {"open"}


def test_a_duel_is_not_compared_with_none(tmp_path):
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist-even": 0.2}, models=MODELS | {"l2-even": ("mse", 0)})
    verdict, why = verdicts(tmp_path)["atmodist-even", "l2-even", "local"]
    assert (verdict, why) == ("undecided", "a duel of both models: one was trained without")


def test_seeds_with_fewer_models_count_where_they_have_them(tmp_path):
    fewer = {name: MODELS[name] for name in ("l2", "atmodist")}
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist": 0.5}, models=fewer if number == 3 else MODELS)
    found = verdicts(tmp_path)
    assert found["atmodist", "l2", "local"][0] == "holds"
    assert found["atmodist", "random", "local"] == ("undecided", "1 more seed")


def test_a_comparison_appears_once_a_seed_has_both_models(tmp_path):
    seed(tmp_path, 1, {})
    asked = {(claim.system, claim.reference) for claim in claims.claims(study.read(tmp_path))}
    assert asked == {
        *((f"atmodist{end}", f"l2{end}") for end in ("", "-even", "-paper")),
        *((f"atmodist{end}", f"random{end}") for end in ("", "-even")),
        ("l2-even", "l2-paper"),
    }
    seed(tmp_path, 2, {}, models=MODELS | {"amse": ("amse", 0), "atmodist-2-even": ("lags-23", 0.1)})
    more = {(claim.system, claim.reference) for claim in claims.claims(study.read(tmp_path))}
    assert more - asked == {("atmodist", "amse"), ("atmodist-even", "atmodist-2-even")}


def test_the_pooled_spread_is_that_of_a_mean_over_seeds():
    """Without spread between blocks: variance σ² (R − 1) / R² of R seeds, as of any bootstrapped mean."""
    values = np.array([1.0, 2.0, 4.0, 7.0])
    samples = study.pooled([np.full((21, 1), value) for value in values])[:, 0]
    assert samples[0] == values.mean()
    assert samples[1:].std() == pytest.approx(values.std() / 2, rel=0.05)


def test_the_pooled_spread_of_one_seed_is_that_of_its_blocks():
    """The value, however far from them, is none of its draws."""
    part = np.concatenate([[1000], np.random.default_rng(0).standard_normal(400)])[:, None]
    samples = study.pooled([part])
    assert samples[0] == 1000
    assert samples[1:].std() == pytest.approx(part[1:].std(), rel=0.05)


def test_what_two_losses_of_a_seed_have_in_common_cancels():
    """Seeds and days that are ten times harder for both leave no doubt about their ratio."""
    rng, seeds = np.random.default_rng(5), []
    for name in ("seed-1", "seed-2", "seed-3"):
        draws = 10.0 ** rng.uniform(-1, 1, 31)
        about = {"group": "super_resolution", "quantity": study.MEASURES["spectrum"].quantity, "variable": ""}
        rows = [
            about | {"system": system} | {f"draw_{i}": factor * each for i, each in enumerate(draws)}
            for system, factor in (("a", 1.0), ("b", 0.5))
        ]
        seeds.append(study.Seed(name, {"draws": pd.DataFrame(rows)}))
    found = study.ratio(seeds, "b", "a", "spectrum")
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_seed_drawn_twice_has_other_blocks_each_time():
    """Of four seeds alike the mean of four independent draws: half the spread of one."""
    part = np.random.default_rng(0).standard_normal((401, 1))
    samples = study.pooled([part] * 4)
    assert samples[1:].std() == pytest.approx(part[1:].std() / 2, rel=0.05)


def test_spectra_are_over_the_truths_and_averaged_over_the_seeds_that_have_them(tmp_path):
    for number, error in ((1, 0.25), (2, 1.0)):
        seed(tmp_path, number, {"atmodist": error})
    seed(tmp_path, 3, {}, models={"l2": ("mse", 0)})
    assert study.spectrum(study.read(tmp_path), "atmodist").to_dict() == pytest.approx({1: 0.5, 2: 1})


def test_models_may_have_names_that_look_like_numbers(tmp_path):
    names = ["7", "07", "NA", "nan"]
    for number in (1, 2, 3):
        seed(tmp_path, number, {"7": 0.5}, models=MODELS | dict.fromkeys(names, ("mse", 0)))
    seeds = study.read(tmp_path)
    assert claims.models(seeds) == [*MODELS, *names]
    assert study.error(seeds, "7", "spectrum").value == pytest.approx(0.5, rel=0.1)
    assert study.error(seeds, "NA", "spectrum").value == pytest.approx(1, rel=0.1)


def test_wins_and_the_judge(tmp_path):
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist": 0.5}, models=MODELS | {"own": ("judge", 0)})
    seeds = study.read(tmp_path)
    assert claims.wins_and_losses(seeds, "atmodist") == ["win"] * len(study.MEASURES)
    assert claims.wins_and_losses(seeds, "own") == ["open"] * (len(study.MEASURES) - 1)
    assert claims.not_judged(seeds, "own") == ["frechet"]
    assert claims.not_judged(seeds, "atmodist") == []
    assert "| own |" in study_page.text(seeds, "study")


@pytest.fixture
def drawn(monkeypatch):
    """Figures by name, as they are saved."""
    figures, save = {}, study_figures.plots.save

    def catch(figure, pdf, *more):
        figures[pdf.stem] = figure
        save(figure, pdf, *more)

    monkeypatch.setattr(study_figures.plots, "save", catch)
    return figures


def test_figures_show_intervals_of_what_is_judged_and_an_undecided_duel(tmp_path, drawn):
    """A discriminator that gives every sample one half has the loss ln 2."""
    for number in (1, 2, 3):
        seed(tmp_path, number, {"own": 0.5}, models=MODELS | {"own": ("judge", 0)})
    seeds = study.read(tmp_path)
    study_figures.draw(seeds, tmp_path)
    assert drawn.keys() == {"ratios", "spectra", "duels"}
    assert all((tmp_path / f"{name}.png").exists() for name in drawn)
    alone = drawn["ratios"].axes[0]
    for model, lines in zip(("atmodist", "random", "own"), alone.collections, strict=True):
        judged = [name for name in study.MEASURES if (model, name) != ("own", "frechet")]
        expected = [study.ratio(seeds, model, "l2", name) for name in judged]
        ends = [segment[:, 0].tolist() for segment in lines.get_segments()]
        assert ends == [[each.low, each.high] for each in expected]
    (undecided,) = (line for line in drawn["duels"].axes[0].lines if line.get_label() == "undecided")
    np.testing.assert_allclose(undecided.get_ydata(), -np.log(0.5))


@pytest.mark.filterwarnings("error")
def test_panels_of_a_figure_have_room_for_each_others_curves(tmp_path, drawn):
    """What is greatest or least may be in any of them; a bar that goes on to the left has an arrow."""
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist-even": 5.0, "random-even": 0.04, "atmodist-paper": 30.0})
    study_figures.draw(study.read(tmp_path), tmp_path)
    greatest = max(max(line.get_ydata()) for panel in drawn["spectra"].axes for line in panel.lines)
    assert greatest == pytest.approx(30)
    for panel in drawn["spectra"].axes:
        low, high = panel.get_ylim()
        assert low == study_figures.LEAST_ENERGY
        assert high > greatest
    for panel, cut in zip(drawn["ratios"].axes, (0, len(study.MEASURES), 0), strict=True):
        left, right = panel.get_xlim()
        ends = np.concatenate([bars.get_segments() for bars in panel.collections])
        assert right > ends[:, 1, 0].max()
        arrows = [line.get_xydata() for line in panel.lines if line.get_marker() == "<"]
        beyond = ends[ends[:, 0, 0] < left, 0, 1]
        assert [places.tolist() for places in arrows] == [[[left, y] for y in beyond]] * bool(cut)
        assert len(beyond) == cut


def test_losses_are_told_apart(tmp_path, drawn):
    """By colour, but for one of longer training, dotted in the colour of the other; the legend shows it."""
    more = {name: ("another", 0) for name in ("atmodist-2", "atmodist-3", "amse", "autoencoder")}
    models = MODELS | more | {"atmodist-longer": ("lags-23-longer", 0)}
    for number in (1, 2, 3):
        seed(tmp_path, number, {}, models=models)
    study_figures.draw(study.read(tmp_path), tmp_path)
    for name in ("ratios", "spectra"):
        (legend,) = drawn[name].legends
        looks = {
            text.get_text(): (line.get_color(), line.get_linestyle())
            for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
        }
        assert looks["atmodist-longer"] == (looks["atmodist"][0], ":")
        networks = [loss for loss in looks if loss in models and loss != "atmodist-longer"]
        assert len({looks[loss] for loss in networks}) == len(networks) == (7 if name == "spectra" else 6)
        assert {looks[loss][1] for loss in networks} == {"-"}
        assert study_figures.plots.PALETTE[-1] not in {colour for colour, _ in looks.values()}


def cells(page, table, model):
    """Cells of a model's row by their heads, of the table that begins with these heads."""
    lines = page.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith(table))
    row = next(line for line in lines[head:] if line.startswith(f"| {model} |"))
    heads, values = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (lines[head], row))
    return dict(zip(heads, values, strict=True))


def test_the_tables_say_what_the_seeds_hold(tmp_path):
    """Without noise: errors as they are, certain wins, and duels of which one alone is in the band."""
    for number in (1, 2, 3):
        errors = {"atmodist": 3.0, "l2": 2.0, "atmodist-even": 0.2}
        seed(tmp_path, number, errors, {"l2-even": 0.43, "atmodist-even": 0.5}, noise=0)
    page = study_page.text(study.read(tmp_path), "study")

    losses = {
        model: cells(page, "| model | kinetic energy |", model)
        for model in ("l2", "atmodist", "atmodist-even", "atmodist-paper")
    }
    assert losses["l2"]["RMSE / 10⁻⁶ s⁻¹"] == "2e+06 (2e+06 to 2e+06)"
    assert losses["l2"]["kinetic energy"] == "2 (2 to 2)"
    counts = {
        model: tuple(found[name] for name in ("wins", "losses", "open")) for model, found in losses.items()
    }
    assert counts == {
        "l2": ("", "", ""),
        "atmodist": ("0", "8", "0"),
        "atmodist-even": ("8", "0", "0"),
        "atmodist-paper": ("0", "0", "8"),  # over l2-paper, which is no worse, though l2 is
    }
    assert "the greatest is 3, of atmodist at degree 1,\nand in a single seed 3, of atmodist" in page
    assert "At the last\ndegree 0 of 9 models have more than the truth, l2 1 times it:" in page

    for model, loss, share in (("l2-even", "0.43", "0%"), ("atmodist-even", "0.50", "100%")):
        assert cells(page, "| model | weight |", model) == {
            "model": model,
            "weight": "0.01",
            "discriminator's loss": loss,
            "epochs in the band": share,
            "further steps of the generator": "25%",
            "further steps of the discriminator": "50%",
        }


def test_seeds_of_other_settings_are_refused(tmp_path):
    seed(tmp_path, 1, {})
    seed(tmp_path, 2, {}, settings="b")
    with pytest.raises(InputError, match=r"seed-2 of .* has other settings than seed-1"):
        study.read(tmp_path)


def test_a_model_of_other_settings_is_refused_though_the_first_seed_lacks_it(tmp_path):
    fewer = {name: MODELS[name] for name in ("l2", "atmodist")}
    for number in (1, 2, 3):
        seed(tmp_path, number, {}, models=fewer if number == 1 else MODELS)
    table = pd.read_csv(tmp_path / "seed-3/models.csv").replace({"settings": {"random": "other"}})
    table.to_csv(tmp_path / "seed-3/models.csv", index=False)
    with pytest.raises(InputError, match=r"seed-3 of .* has model random with other settings than seed-2"):
        study.read(tmp_path)


def test_a_model_is_of_other_settings_if_its_encoder_is():
    of = study.fingerprint_of_model
    model, one, other = {"content": {"encoder": "a", "layer": "stage4"}}, {"epochs": 1}, {"epochs": 2}
    assert of(model, {"a": one}) != of(model, {"a": other})
    assert of(model, {"a": one, "b": one}) == of(model, {"a": one, "b": other})
    assert of({"content": "mse"}, {"a": one}) == of({"content": "mse"}, {})


def test_a_folder_of_another_seed_or_of_none_is_refused(tmp_path):
    seed(tmp_path, 1, {})
    (tmp_path / "seed-1").rename(tmp_path / "seed-2")
    with pytest.raises(InputError, match=r"seed-2 of .* holds seed 1; expected its own"):
        study.read(tmp_path)
    (tmp_path / "seed-2").rename(tmp_path / "seed-1.old")
    with pytest.raises(InputError, match=r"seed-1\.old is no seed's folder; expected a number"):
        study.read(tmp_path)


def test_balance_is_that_of_the_seeds_that_are_compared(tmp_path):
    """A fourth seed with one of the two models alone, whose duel is another, changes nothing."""
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist-even": 0.2})
    alone = {name: MODELS[name] for name in ("l2", "atmodist-even")}
    seed(tmp_path, 4, {"atmodist-even": 0.2}, {"atmodist-even": 0.01}, models=alone)
    assert verdicts(tmp_path)["atmodist-even", "l2-even", "local"] == ("holds", "")


def test_a_value_is_within_its_interval_though_all_draws_are_beyond():
    found = study.Estimate.of(np.array([0.9, *np.linspace(1.03, 1.6, 50)]), seeds=3)
    assert found.low == found.value < 1 < found.high


def test_hours_are_more_than_told_of_a_training_run_that_was_resumed(tmp_path):
    rows = [("train_srgan/l2", 201, 1800), ("grid_fields/a", 1, 1800), ("measure_orderings", 1, 3600)]
    for number, seconds in ((1, 201), (2, 50)):
        seed(tmp_path, number, {}, models={"l2": ("mse", 0)})
        table = pd.DataFrame(rows, columns=["job", "s", "cpu_time"])
        table.loc[0, "s"] = seconds
        table.to_csv(tmp_path / f"seed-{number}/jobs.csv", index=False)
    one, two = study.read(tmp_path)
    assert (one.hours(), two.hours()) == ((1.0, False), (1.0, True))
    assert "| seed-2 | a CPU | 2 | 32-true | 1 | more than 1.0 |" in study_page.text([one, two], "study")


def test_a_seed_that_lacks_a_table_is_named(tmp_path):
    seed(tmp_path, 4, {})
    (tmp_path / "seed-4/duel.csv").unlink()
    with pytest.raises(InputError, match=r"seed-4/duel.csv cannot be read"):
        study.read(tmp_path)
    (tmp_path / "seed-4/duel.csv").write_text("network,epoch\nl2,1\n")
    with pytest.raises(InputError, match=r"seed-4/duel.csv has no column model; expected a seed's table"):
        study.read(tmp_path)


def test_the_page_and_the_summary_in_the_repository_are_those_of_its_seeds():
    seeds = study.read(ROOT / "docs/study")
    committed = (ROOT / "docs/study.md").read_text(encoding="utf-8")
    assert committed == study_page.text(seeds, "study")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == study_page.with_summary(readme, seeds)


def test_the_readme_says_of_the_study_what_its_seeds_say():
    """Numbers, verdicts and counts of the prose below the table, whose lines may break anywhere."""
    seeds = study.read(ROOT / "docs/study")
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    prose = readme.partition(study_page.MARKS[1])[2].partition("What the demo finds")[0]
    judged = {(each.system, each.reference, each.measure): found for each, found in claims.judge(seeds)}

    def of(system, reference, measures=tuple(claims.MEANINGS)):
        return [judged[system, reference, measure] for measure in measures]

    def verdicts_of(*models):
        return [found.verdict for found in of(*models)]

    assert verdicts_of("atmodist", "l2") == ["holds", "holds", "holds", "fails"]
    assert verdicts_of("atmodist-paper", "l2-paper") == ["holds", "holds", "undecided", "fails"]
    assert verdicts_of("atmodist-even", "l2-even") == ["undecided", "holds", "undecided", "fails"]
    assert judged["atmodist-even", "l2-even", "semivariogram"].alone
    assert "at equal balance the semivariogram alone is better, and that only judged by itself" in prose
    lost, even = (study.balance(seeds, f"{name}-paper") for name in ("l2", "atmodist"))
    assert f"(discriminator's loss {lost:.2f} against {even:.2f})" in prose
    weight = of("l2-even", "l2-paper")
    assert {found.verdict for found in weight[:3]} == {"holds"}
    energy, semivariogram, variation = (found.estimate.value for found in weight[:3])
    assert (
        f"takes ℓ2's errors to {energy:.2f} and {semivariogram:.2f} (total variation {variation:.2f})"
        in prose
    )

    counts, power = [], []
    for end in ("", "-paper", "-even"):
        found = claims.wins_and_losses(seeds, f"atmodist{end}")
        counts += [found.count("win"), found.count("loss")]
        power.append(study.ratio(seeds, f"atmodist{end}", f"l2{end}", "outside"))
    assert (
        "eight measures AtmoDist wins {} and loses {} with the content loss alone, {} and {} at the paper's "
        "weight, {} and {} at equal balance;".format(*counts)
    ) in prose
    assert len(study.MEASURES) == 8
    assert f"{power[0].value:.0f} and {power[1].value:.0f} times ℓ2's power with the first two" in prose
    assert power[0].low > 1
    assert power[1].low > 1
    assert study.ratio(seeds, "random", "atmodist", "outside").value == pytest.approx(10, abs=0.5)
    assert "random weights ten times AtmoDist's with the content loss alone" in prose

    assert verdicts_of("atmodist", "random") == ["undecided", "fails", "undecided", "undecided"]
    assert verdicts_of("atmodist-even", "random-even") == ["undecided", "fails", "undecided", "fails"]
    longer, usual = (claims.skill(seeds, f"lags-23{end}").estimate for end in ("-longer", ""))
    assert f"right lag {longer.value:.1f} times as often as chance, not {usual.value:.1f}, and" in prose
    assert set(verdicts_of("atmodist-longer-even", "random-even")) == {"undecided"}
    (found,) = (found for found in of("atmodist-longer", "random") if found.verdict != "undecided")
    assert (found.verdict, found.alone, found.estimate.seeds) == ("fails", True, 4)
    assert found is judged["atmodist-longer", "random", "semivariogram"]
    assert (
        "its semivariogram stays worse, with the content loss alone and judged by itself (four seeds)"
        in prose
    )

    for end in ("", "-even"):
        assert "holds" not in verdicts_of(f"atmodist{end}", f"autoencoder{end}")
        assert judged[f"atmodist{end}", f"amse{end}", "spectrum"].estimate.value > 2
    worse = {
        key: found for key, found in judged.items() if key[0].startswith("atmodist") and "amse" in key[1]
    }
    open_ones = {key[0::2] for key, found in worse.items() if found.verdict == "undecided"}
    marked = {key[0::2] for key, found in worse.items() if found.alone}
    assert (open_ones, marked) == ({("atmodist", "variation")}, {("atmodist-even", "semivariogram")})
    assert "holds" not in {found.verdict for found in worse.values()}
    told = "open are total variation with the content loss alone and, judged together, the semivariogram"
    assert f"{told} in a duel" in prose
    assert f"if {study.MANY_SEEDS} suffice" in prose
    assert f"{len(claims.models(seeds))} models of eight losses" in prose
    assert len(set(map(claims.loss_of, claims.models(seeds)))) == 8


def test_the_page_of_orderings_says_of_the_study_what_its_seeds_say():
    """What AtmoDist's second stage orders in each seed, and what smoothed squares order without training."""
    page = " ".join((ROOT / "docs/orderings.md").read_text(encoding="utf-8").split())
    prose = page.partition("## What the study shows")[2]
    seeds = study.read(ROOT / "docs/study")
    means, counts, _ = study.orderings(seeds)
    distances = ["lags-23 stage2", "l1", "random stage2", "l2 smoothed"]
    lag, vortex, blur = (
        [f"{share:.2f}" for share in means.loc[distances, family]] for family in ("lag", "vortex", "blur")
    )
    assert f"second stage orders {lag[0]} of them rightly, in each seed more than ℓ1 ({lag[1]}) and" in prose
    assert f"the same encoder with random weights ({lag[2]})" in prose
    told = f"it orders {vortex[0]}, in each seed more than ℓ1 ({vortex[1]}) and random weights ({vortex[2]})"
    assert told in prose
    assert f"(two seeds) orders {vortex[3]} of the places, no more of the lags than ℓ1, {lag[3]}," in prose
    assert f"({blur[3]} are right)" in prose
    assert counts["l2 smoothed"] == 2
    for seed in seeds:
        if "orderings" not in seed.tables:
            continue
        shares = seed.tables["orderings"].pivot(index="distance", columns="family", values="right")
        for family in ("lag", "vortex"):
            assert shares.loc["lags-23 stage2", family] > shares.loc[["l1", "random stage2"], family].max()
        if "l2 smoothed" in shares.index:
            assert shares.loc["l2 smoothed", "lag"] <= shares.loc["l1", "lag"]


def test_the_summary_tells_each_verdict_in_a_word(tmp_path):
    for number in (1, 2, 3):
        seed(tmp_path, number, {"atmodist": 0.5, "random": 0.25, "atmodist-even": 0.2}, {"l2-even": 0.3})
    begin, end = study_page.MARKS
    page = study_page.with_summary(f"one\n{begin}\nold\n{end}\ntwo\n", study.read(tmp_path))
    assert page.startswith(
        f"one\n{begin}\nErrors with AtmoDist's loss divided by those with another, means of 3 seeds"
    )
    assert page.endswith(f"|\n{end}\ntwo\n")
    assert re.search(r"\| ℓ2 \| content loss alone( \| \*\*0\.[45]\d\*\* better){4} \|\n", page)
    assert re.search(r"\| random weights \| content loss alone( \| [12]\.\d\d \*worse\*){4} \|\n", page)
    assert re.search(r"\| ℓ2 \| equal balance of the duel( \| 0\.\d\d open){4} \|\n", page)
    assert "AMSE" not in page
    twice = f"{begin}\nold\n{end}\ntwo\n{begin}\n{end}\n"
    assert study_page.with_summary(twice, study.read(tmp_path)).endswith(f"|\n{end}\ntwo\n{begin}\n{end}\n")
    assert study_page.with_summary(twice, []) == twice


def test_what_is_noted_of_a_seed_is_told_of_it_alone(tmp_path):
    for number, more in ((1, {"note": "Of two, both count"}), (2, {}), (3, {"note": "Of two, both count"})):
        seed(tmp_path, number, {}, **more)
    assert "\nOf two, both count (seed-1, seed-3).\n" in study_page.text(study.read(tmp_path), "study")
    shutil.rmtree(tmp_path / "seed-1")
    shutil.rmtree(tmp_path / "seed-3")
    assert "count (" not in study_page.text(study.read(tmp_path), "study")


def test_a_claim_is_one_row_though_a_seed_lacks_a_measure(tmp_path):
    for number in (1, 2, 3, 4):
        seed(tmp_path, number, {})
    draws = pd.read_csv(tmp_path / "seed-4/draws.csv")
    draws[draws["quantity"] != "wasserstein_3x3"].to_csv(tmp_path / "seed-4/draws.csv", index=False)
    page = study_page.text(study.read(tmp_path), "study")
    glance = page.partition("## At a glance")[2].partition("## Claims")[0]
    (told,) = (
        each for each in glance.splitlines() if "| AtmoDist's loss beats ℓ2 | content loss alone" in each
    )
    assert told.split(" | ")[2] == "3 or 4"
    assert len(told.split(" | ")) == 7


def test_a_measure_that_no_seed_has_leaves_its_cell_empty(tmp_path):
    seed(tmp_path, 1, {})
    table = pd.read_csv(tmp_path / "seed-1/draws.csv")
    energy = table["quantity"] == "kinetic_energy_error_upper_half"
    table[~(energy & (table["system"] == "l2"))].to_csv(tmp_path / "seed-1/draws.csv", index=False)
    page = study_page.with_summary("\n".join(study_page.MARKS), study.read(tmp_path))
    assert re.search(r"\| ℓ2 \| content loss alone \| – ( \| \d\.\d\d open){3} \|".replace("– (", "–("), page)


def test_a_seed_with_fewer_models_does_not_replace_one_with_more(tmp_path):
    script, kept = ROOT / "workflow/keep_seed.py", tmp_path / "kept/seed-1"
    keep = [sys.executable, script, "keep", kept, tmp_path / "made/seed-1"]
    seed(tmp_path / "made", 1, {}, models={"l2": ("mse", 0)})
    subprocess.run(keep, check=True)
    orderings = kept / "orderings.csv"
    orderings.write_text("distance,family,right\nl1,lag,0.9\n")
    subprocess.run(keep, check=True)
    assert orderings.exists()
    for other in ("b", "of the encoder"):
        orderings.write_text("distance,family,right\nl1,lag,0.9\n")
        shutil.rmtree(tmp_path / "made")
        seed(tmp_path / "made", 1, {}, settings="b")
        if other != "b":
            models = pd.read_csv(tmp_path / "made/seed-1/models.csv").assign(settings=other)
            models.to_csv(tmp_path / "made/seed-1/models.csv", index=False)
        told = subprocess.run(keep, check=True, capture_output=True, text=True).stdout
        assert "orderings.csv was of other settings and is deleted" in told
        assert not orderings.exists()
    assert study.read(tmp_path / "kept")[0].models() == list(MODELS)
    shutil.rmtree(tmp_path / "made")
    seed(tmp_path / "made", 1, {}, settings="b", models={name: MODELS[name] for name in list(MODELS)[2:]})
    failed = subprocess.run(keep, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "seed-1 has models that this would not have: atmodist, l2; expected them, too" in failed.stderr
    assert study.read(tmp_path / "kept")[0].models() == list(MODELS)


def test_what_would_replace_a_seed_or_cannot_be_compared_is_told_before_it_is_made(tmp_path):
    """Fewer models than are kept, another precision, or settings that other seeds do not have."""
    for number in (5, 8):  # of eight models, and of all
        shutil.copytree(ROOT / f"docs/study/seed-{number}", tmp_path / f"seed-{number}")
    plan = [ROOT / "config" / name for name in ("config.yaml", "study.yaml")]
    more = [ROOT / "config" / name for name in ("study-all.yaml", "study-longer.yaml")]

    def told(number, *more, **changes):
        (tmp_path / "changes.yaml").write_text(yaml.safe_dump(changes))
        command = [sys.executable, ROOT / "workflow/keep_seed.py", "check", tmp_path / f"seed-{number}"]
        run = subprocess.run(
            [*command, *plan, tmp_path / "changes.yaml", *more], capture_output=True, text=True
        )
        assert run.stderr.count("\n") == run.returncode
        return run.stderr

    assert told(5) == told(8, *more) == told(9, *more) == ""
    error = told(5, "--precision", "32-true")
    assert "seed-5 was made with precision bf16-mixed, this is with 32-true; expected the same" in error
    assert "seed-8 has models that this would not have: amse, amse-even, atmodist-2" in told(8)
    for each, changes in (
        ("", {"pairs": {"per_time": 9}}),
        ("", {"untrained": {"models": {"judge": {"seed_index": 7}}}}),
        ("model l2-even with ", {"srgan": {"models": {"l2-even": {"adversarial_weight": 0.5}}}}),
        ("model atmodist with ", {"atmodist": {"models": {"lags-23": {"epochs": 7}}}}),
    ):
        assert f"has {each}other settings than these config files; expected the same" in told(9, **changes)
    # Where fields come from, and what is checked as they come, is no setting of theirs.
    arco = {"wind": "https://example.org/wind.zarr", "concurrency": 2}
    assert told(9, data={"arco": arco, "largest_change": 2.5, "spot_check": {"times": 4}}) == ""


def test_the_command_makes_the_page_and_names_what_is_wrong(tmp_path):
    seed(tmp_path / "study", 1, {"atmodist": 0.5})
    readme = tmp_path / "README.md"
    paths = tmp_path / "study", tmp_path / "study.md", readme
    command = [sys.executable, ROOT / "workflow/study_page.py", *paths]
    readme.write_text("no marks")
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1
    assert re.fullmatch("the README has no lines .*\n", failed.stderr)
    assert not (tmp_path / "study.md").exists()
    readme.write_text("\n".join(study_page.MARKS), encoding="utf-8")
    subprocess.run(command, check=True)
    page = (tmp_path / "study.md").read_text(encoding="utf-8")
    assert page == study_page.text(study.read(tmp_path / "study"), "study")
    assert "2 more seeds" in page
    assert "| ℓ2 | content loss alone |" in readme.read_text(encoding="utf-8")
    (tmp_path / "study/seed-1/draws.csv").write_text("")
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "draws.csv cannot be read" in failed.stderr
