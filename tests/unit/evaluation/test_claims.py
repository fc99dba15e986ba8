"""Claims are judged by the numbers of made-up seeds, and turn with them."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from made_up_seeds import MODELS, verdicts, write_seed

from atmodist.evaluation import claims, study, study_seed
from atmodist.figures import study_page


def test_verdicts_are_those_of_the_numbers_and_turn_with_them(tmp_path):
    for number in (1, 2, 10):
        write_seed(tmp_path / "one", number, {"atmodist": 0.5, "random": 0.5, "atmodist-even": 1.5})
        write_seed(
            tmp_path / "other", number, {"atmodist": 1.5, "random": 0.5, "atmodist-even": 0.5}, accuracy=0.5
        )
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
        write_seed(tmp_path, number, {"atmodist": error}, noise=0.001)
    verdict, why = verdicts(tmp_path)["atmodist", "l2", "spectrum"]
    assert verdict == "undecided"
    assert why == "more than 30 seeds, if ratio and spread stay"


def test_longer_training_is_judged_where_seeds_have_it(tmp_path):
    """Its accuracy and its losses, of the seeds that have them."""
    for number in (1, 2, 3, 4):
        longer = {"atmodist-longer": ("lags-23-longer", 0)} if number < 4 else {}
        write_seed(tmp_path, number, {"atmodist-longer": 0.5}, models=MODELS | longer)
    path = tmp_path / "seed-1/draws.csv"
    table = pd.read_csv(path)
    row = table[table["system"] == "lags-23"].assign(system="lags-23-longer")
    pd.concat([table, row]).to_csv(path, index=False)
    seeds = study_seed.read(tmp_path)
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


def test_a_verdict_that_many_rows_give_by_chance_is_marked(tmp_path):
    """One ratio whose interval just leaves 1 out, beside rows that are decided and rows that are open."""
    errors = (0.6, 0.62, 1.0, 0.9, 0.7, 1.0)
    for number, error in enumerate(errors, 1):
        write_seed(tmp_path, number, {"random-even": 0.4, "atmodist-paper": error**0.8}, noise=0.02)
    seeds = study_seed.read(tmp_path)
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


def test_two_seeds_decide_nothing(tmp_path):
    for number in (1, 2):
        write_seed(tmp_path, number, {"atmodist": 0.1})
    assert set(verdicts(tmp_path).values()) == {("undecided", "1 more seed")}


@pytest.mark.parametrize(
    ("balance", "expected", "told"), [(0.43, "holds", ""), (0.4, "undecided", "0.40 against 0.50")]
)
def test_unequal_duels_are_not_compared(tmp_path, balance, expected, told):
    """Those whose losses differ by more than 0.08."""
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"atmodist-even": 0.2}, {"atmodist-even": balance})
    verdict, why = verdicts(tmp_path)["atmodist-even", "l2-even", "local"]
    assert verdict == expected
    assert told in why


def test_models_that_are_not_of_equal_balance_are_compared_as_they_are(tmp_path):
    """Those with the paper's weight, and with two weights."""
    errors = {"l2-even": 0.2, "atmodist-paper": 0.2}
    for number in (1, 2, 3):
        write_seed(tmp_path, number, errors, {"l2-paper": 0.3, "atmodist-paper": 0.1})
    found = verdicts(tmp_path)
    assert found["atmodist-paper", "l2-paper", "local"] == ("holds", "")
    assert found["l2-even", "l2-paper", "local"] == ("holds", "")


def test_duels_that_are_unlike_neither_win_nor_lose(tmp_path):
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"atmodist-even": 0.2}, {"atmodist-even": 0.3 if number < 3 else 0.4})
    assert set(claims.wins_and_losses(study_seed.read(tmp_path), "atmodist-even")) == {"open"}


def test_a_duel_is_not_compared_with_none(tmp_path):
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"atmodist-even": 0.2}, models=MODELS | {"l2-even": ("mse", 0)})
    verdict, why = verdicts(tmp_path)["atmodist-even", "l2-even", "local"]
    assert (verdict, why) == ("undecided", "a duel of both models: one was trained without")


def test_seeds_with_fewer_models_count_where_they_have_them(tmp_path):
    fewer = {name: MODELS[name] for name in ("l2", "atmodist")}
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"atmodist": 0.5}, models=fewer if number == 3 else MODELS)
    found = verdicts(tmp_path)
    assert found["atmodist", "l2", "local"][0] == "holds"
    assert found["atmodist", "random", "local"] == ("undecided", "1 more seed")


def test_a_comparison_appears_once_a_seed_has_both_models(tmp_path):
    write_seed(tmp_path, 1, {})
    asked = {(claim.system, claim.reference) for claim in claims.claims(study_seed.read(tmp_path))}
    assert asked == {
        *((f"atmodist{end}", f"l2{end}") for end in ("", "-even", "-paper")),
        *((f"atmodist{end}", f"random{end}") for end in ("", "-even")),
        ("l2-even", "l2-paper"),
    }
    write_seed(tmp_path, 2, {}, models=MODELS | {"amse": ("amse", 0), "atmodist-2-even": ("lags-23", 0.1)})
    more = {(claim.system, claim.reference) for claim in claims.claims(study_seed.read(tmp_path))}
    assert more - asked == {("atmodist", "amse"), ("atmodist-even", "atmodist-2-even")}


def test_wins_and_the_judge(tmp_path):
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"atmodist": 0.5}, models=MODELS | {"own": ("judge", 0)})
    seeds = study_seed.read(tmp_path)
    assert claims.wins_and_losses(seeds, "atmodist") == ["win"] * len(study.MEASURES)
    assert claims.wins_and_losses(seeds, "own") == ["open"] * (len(study.MEASURES) - 1)
    assert claims.not_judged(seeds, "own") == ["frechet"]
    assert claims.not_judged(seeds, "atmodist") == []
    assert "| own |" in study_page.text(seeds, "study")


def test_balance_is_that_of_the_seeds_that_are_compared(tmp_path):
    """A fourth seed with one of the two models alone, whose duel is another, changes nothing."""
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"atmodist-even": 0.2})
    alone = {name: MODELS[name] for name in ("l2", "atmodist-even")}
    write_seed(tmp_path, 4, {"atmodist-even": 0.2}, {"atmodist-even": 0.01}, models=alone)
    assert verdicts(tmp_path)["atmodist-even", "l2-even", "local"] == ("holds", "")
