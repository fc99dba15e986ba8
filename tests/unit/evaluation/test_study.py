"""Ratios, intervals and verdicts of made-up seeds, whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from made_up_seeds import write_seed

from atmodist.evaluation import study, study_seed
from atmodist.figures import study_page

PAGE = " ".join(study_page.INTRODUCTION.split())


def test_seeds_in_favour_are_counted_one_by_one(tmp_path):
    for number, error in enumerate((0.5, 0.5, 1.5), 1):
        write_seed(tmp_path, number, {"atmodist": error})
    write_seed(tmp_path, 4, {}, models={"l2": ("mse", 0)})
    seeds = study_seed.read(tmp_path)
    for measure in study.MEASURES:
        assert study.in_favour(seeds, "atmodist", "l2", measure) == 2
        assert study.in_favour(seeds, "l2", "atmodist", measure) == 1
    rows = [line for line in study_page.text(seeds, "study").splitlines() if line.startswith("| A network")]
    assert [row.split(" | ")[4:6] for row in rows] == [["4 of 4", "**holds**"]]


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
    """Of ratios that are 1: one in twenty at a number of seeds, one in six at one or another from 3 to 10."""
    monkeypatch.setattr(study, "RESAMPLES", 1000)
    rng, rows = np.random.default_rng(0), 600

    def errors():
        blocks = np.exp(0.3 * rng.standard_normal(rows) + 0.1 * rng.standard_normal((12, rows)))
        return np.concatenate([blocks.mean(axis=0)[None], blocks[rng.integers(12, size=(40, 12))].mean(1)])

    one, other = ([errors() for _ in range(10)] for _ in range(2))
    decided = []
    for seeds in range(study.SEEDS_NEEDED, 11):
        ratios = study.pooled(one[:seeds]) / study.pooled(other[:seeds])
        found = [study.decide(study.Estimate.of(samples, seeds))[0] for samples in ratios.T]
        decided.append([verdict != "undecided" for verdict in found])
    assert 0.03 < np.mean(decided) < 0.07
    assert 0.13 < np.any(decided, axis=0).mean() < 0.20
    assert "one row in twenty at a given number of seeds, and about one in six at some number" in PAGE
    assert "from 3 to 10." in PAGE


def test_an_interval_is_students_where_draws_are_those_of_a_mean():
    values = np.random.default_rng(3).standard_normal(7)
    samples = study.pooled([np.full(11, value) for value in np.exp(0.1 * values)])
    expected = scipy.stats.t.interval(0.95, 6, values.mean(), scipy.stats.sem(values))
    found = study.Estimate.of(samples, seeds=7)
    assert np.log([found.low, found.high]) / 0.1 == pytest.approx(expected, abs=0.15)


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
    alone = study_seed.Seed("seed-1", {"draws": pd.DataFrame(rows)})
    assert study.error([alone], "a", measure).value == pytest.approx(expected)


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
        seeds.append(study_seed.Seed(name, {"draws": pd.DataFrame(rows)}))
    found = study.ratio(seeds, "b", "a", "spectrum")
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_seed_drawn_twice_has_other_blocks_each_time():
    """Of four seeds alike the mean of four independent draws: half the spread of one."""
    part = np.random.default_rng(0).standard_normal((401, 1))
    samples = study.pooled([part] * 4)
    assert samples[1:].std() == pytest.approx(part[1:].std() / 2, rel=0.05)


def test_spectra_are_over_the_truths_and_averaged_over_the_seeds_that_have_them(tmp_path):
    for number, error in ((1, 0.25), (2, 1.0)):
        write_seed(tmp_path, number, {"atmodist": error})
    write_seed(tmp_path, 3, {}, models={"l2": ("mse", 0)})
    assert study.spectrum(study_seed.read(tmp_path), "atmodist").to_dict() == pytest.approx({1: 0.5, 2: 1})


def test_a_value_is_within_its_interval_though_all_draws_are_beyond():
    found = study.Estimate.of(np.array([0.9, *np.linspace(1.03, 1.6, 50)]), seeds=3)
    assert found.low == found.value < 1 < found.high
