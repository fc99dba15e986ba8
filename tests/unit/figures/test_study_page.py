"""The study's page says what its seeds hold."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_up_seeds import write_seed

from atmodist.evaluation import claims, study, study_seed
from atmodist.figures import study_page

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def seeds():
    """Those in the repository."""
    return study_seed.read(ROOT / "docs/study")


def cells(page, table, model):
    """Cells of a model's row by their heads, of the table that begins with these heads."""
    lines = page.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith(table))
    row = next(line for line in lines[head:] if line.startswith(f"| {model} |"))
    heads, values = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (lines[head], row))
    return dict(zip(heads, values, strict=True))


def test_orderings_are_means_over_the_seeds_that_have_them(tmp_path):
    """The best of each family stands out, and the spread of seeds is told."""
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {})
    assert study.orderings(study_seed.read(tmp_path))[0].empty
    assert "order states" not in study_page.text(study_seed.read(tmp_path), "study")
    for number, right in ((1, 0.8), (3, 0.9)):
        rows = [("l1", "lag", right), ("l1", "vortex", 0.5), ("l2", "lag", 0.7), ("l2", "vortex", 0.52)]
        rows = rows if number == 1 else rows[:2]
        table = pd.DataFrame(rows, columns=["distance", "family", "right"])
        table.to_csv(tmp_path / f"seed-{number}/orderings.csv", index=False)
    page = study_page.text(study_seed.read(tmp_path), "study")
    assert "| l1 | 2 | **0.85** | 0.50 |\n| l2 | 1 | 0.70 | **0.52** |" in page
    assert "between two\nseeds a share differs by 0.10 at most.\n\n|" in page
    rows = [("l1", "lag", 0.904, 8), ("near", "lag", 0.903, 8), ("l1", "displacement", 1, 8)]
    rows += [("l1", "blur", 1, 26), ("l1", "scramble", 1, 38)]
    table = pd.DataFrame(rows, columns=["distance", "family", "right", "series"])
    table.to_csv(tmp_path / "seed-2/orderings.csv", index=False)
    page = study_page.text(study_seed.read(tmp_path)[1:2], "study")
    assert "| l1 | 1 | **0.90** | **1.00** | **1.00** | **1.00** |\n| near | 1 | 0.90 |" in page
    told = "exists for 65 % in `blur` and 95 % in `scramble` of the moves"
    assert told in page
    assert "(counted in 1 seeds)" in page


def test_the_tables_say_what_the_seeds_hold(tmp_path):
    """Without noise: errors as they are, certain wins, and duels of which one alone is in the band."""
    for number in (1, 2, 3):
        errors = {"atmodist": 3.0, "l2": 2.0, "atmodist-even": 0.2}
        write_seed(tmp_path, number, errors, {"l2-even": 0.43, "atmodist-even": 0.5}, noise=0)
    page = study_page.text(study_seed.read(tmp_path), "study")

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

    for model, loss, share in (("l2-even", "0.43", "0 %"), ("atmodist-even", "0.50", "100 %")):
        assert cells(page, "| model | weight |", model) == {
            "model": model,
            "weight": "0.01",
            "discriminator's loss": loss,
            "epochs in the band": share,
            "further steps of the generator": "25 %",
            "further steps of the discriminator": "50 %",
        }


def test_the_page_and_the_summary_in_the_repository_are_those_of_its_seeds(seeds):
    committed = (ROOT / "docs/study.md").read_text(encoding="utf-8")
    assert committed == study_page.text(seeds, "study")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == study_page.with_summary(readme, seeds)


def test_the_readme_says_of_the_study_what_its_seeds_say(seeds):
    """Numbers, verdicts and counts of the prose below the table, whose lines may break anywhere."""
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    prose = readme.partition(study_page.MARKS[1])[2].partition("**The demo**")[0]
    judged = {(each.system, each.reference, each.measure): found for each, found in claims.judge(seeds)}

    def of(system, reference, measures=tuple(claims.MEANINGS)):
        return [judged[system, reference, measure] for measure in measures]

    def verdicts_of(*models):
        return [found.verdict for found in of(*models)]

    assert verdicts_of("atmodist", "l2") == ["holds", "holds", "holds", "fails"]
    assert verdicts_of("atmodist-paper", "l2-paper") == ["holds", "holds", "undecided", "fails"]
    assert verdicts_of("atmodist-even", "l2-even") == ["undecided", "holds", "undecided", "fails"]
    assert judged["atmodist-even", "l2-even", "semivariogram"].alone
    assert "better in the semivariogram only, and not when all rows are judged together" in prose
    lost, even = (study.balance(seeds, f"{name}-paper") for name in ("l2", "atmodist"))
    assert f"the discriminator's loss is {lost:.2f}, AtmoDist's {even:.2f}." in prose
    weight = of("l2-even", "l2-paper")
    assert {found.verdict for found in weight[:3]} == {"holds"}
    energy, semivariogram, variation = (found.estimate.value for found in weight[:3])
    told = f"errors by {energy:.2f} (kinetic energy), {semivariogram:.2f} (semivariogram) and {variation:.2f}"
    assert f"multiplies ℓ2's {told} (total variation)" in prose

    counts, power = [], []
    for end in ("", "-paper", "-even"):
        found = claims.wins_and_losses(seeds, f"atmodist{end}")
        counts += [found.count("win"), found.count("loss")]
        power.append(study.ratio(seeds, f"atmodist{end}", f"l2{end}", "outside"))
    assert (
        "eight measures.** Against ℓ2, AtmoDist is better in {} and worse in {} with the content loss alone, "
        "in {} and {} at the paper's weight, in {} and {} at equal balance.".format(*counts)
    ) in prose
    assert len(study.MEASURES) == 8
    alone, paper = (f"{each.value:.0f} times" for each in power[:2])
    assert f"{alone} ℓ2's power with the content loss alone and {paper} at the paper's weight" in prose
    assert power[0].low > 1
    assert power[1].low > 1
    untrained = study.ratio(seeds, "random", "atmodist", "outside").value
    assert f"random weights leave {untrained:.0f} times AtmoDist's with the content loss alone" in prose

    assert verdicts_of("atmodist", "random") == ["undecided", "fails", "undecided", "fails"]
    assert not judged["atmodist", "random", "semivariogram"].alone
    assert judged["atmodist", "random", "local"].alone
    assert "(without a duel, the latter not when all rows are judged together)" in prose
    assert verdicts_of("atmodist-even", "random-even") == ["undecided", "fails", "undecided", "fails"]
    longer, usual = (claims.skill(seeds, f"lags-23{end}").estimate for end in ("-longer", ""))
    assert f"right lag {longer.value:.1f} times as often as chance, not {usual.value:.1f};" in prose
    assert set(verdicts_of("atmodist-longer-even", "random-even")) == {"undecided"}
    (found,) = (found for found in of("atmodist-longer", "random") if found.verdict != "undecided")
    assert (found.verdict, found.alone, found.estimate.seeds) == ("fails", False, 5)
    assert found is judged["atmodist-longer", "random", "semivariogram"]
    assert "in the table, only its semivariogram is worse, with the content loss alone (five seeds)" in prose

    better = {
        (end, other, measure)
        for end in ("", "-even")
        for other in ("random", "autoencoder")
        for measure in study.MEASURES
        if study.ratio(seeds, f"atmodist{end}", f"{other}{end}", measure).high < 1
    }
    assert better == {("", "random", "outside"), ("", "autoencoder", "outside")}, "that power, and no other"
    for end in ("", "-even"):
        assert judged[f"atmodist{end}", f"amse{end}", "spectrum"].estimate.value > 2
    worse = {
        key: found for key, found in judged.items() if key[0].startswith("atmodist") and "amse" in key[1]
    }
    open_ones = {key[0::2] for key, found in worse.items() if found.verdict == "undecided"}
    assert open_ones == {("atmodist", "variation")}
    assert not any(found.alone for found in worse.values())
    assert "holds" not in {found.verdict for found in worse.values()}
    assert "whole table but for total variation with the content loss alone, which is open." in prose
    assert f"if {study.MANY_SEEDS} suffice" in prose
    assert f"{len(claims.models(seeds))} models of eight losses" in prose
    assert len(set(map(claims.loss_of, claims.models(seeds)))) == 8


def test_the_page_of_orderings_says_of_the_study_what_its_seeds_say(seeds):
    """What AtmoDist's second stage orders in each seed, and what smoothed squares order without training."""
    page = " ".join((ROOT / "docs/orderings.md").read_text(encoding="utf-8").split())
    prose = page.partition("## What the study shows")[2]
    means, counts, _ = study.orderings(seeds)
    distances = ["lags-23 stage2", "l1", "random stage2", "l2 smoothed"]
    lag, vortex, blur = (
        [f"{share:.2f}" for share in means.loc[distances, family]] for family in ("lag", "vortex", "blur")
    )
    assert f"second stage orders {lag[0]} of them rightly, in each seed more than ℓ1 ({lag[1]}) and" in prose
    assert f"the same encoder with random weights ({lag[2]})" in prose
    told = f"it orders {vortex[0]}, in each seed more than ℓ1 ({vortex[1]}) and random weights ({vortex[2]})"
    assert told in prose
    assert f"(three seeds) orders {vortex[3]} of the places, no more of the lags than ℓ1, {lag[3]}," in prose
    assert f"({blur[3]} are right)" in prose
    assert counts["l2 smoothed"] == 3
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
        write_seed(
            tmp_path, number, {"atmodist": 0.5, "random": 0.25, "atmodist-even": 0.2}, {"l2-even": 0.3}
        )
    begin, end = study_page.MARKS
    page = study_page.with_summary(f"one\n{begin}\nold\n{end}\ntwo\n", study_seed.read(tmp_path))
    assert page.startswith(
        f"one\n{begin}\nErrors with AtmoDist's loss divided by those with another, means of 3 seeds"
    )
    assert page.endswith(f"|\n{end}\ntwo\n")
    assert re.search(r"\| ℓ2 \| content loss alone( \| \*\*0\.[45]\d\*\* better){4} \|\n", page)
    assert re.search(r"\| random weights \| content loss alone( \| [12]\.\d\d \*worse\*){4} \|\n", page)
    assert re.search(r"\| ℓ2 \| equal balance of the duel( \| 0\.\d\d open){4} \|\n", page)
    assert "AMSE" not in page
    twice = f"{begin}\nold\n{end}\ntwo\n{begin}\n{end}\n"
    assert study_page.with_summary(twice, study_seed.read(tmp_path)).endswith(
        f"|\n{end}\ntwo\n{begin}\n{end}\n"
    )
    assert study_page.with_summary(twice, []) == twice


def test_what_is_noted_of_a_seed_is_told_of_it_alone(tmp_path):
    for number, more in ((1, {"note": "of two, both count"}), (2, {}), (3, {"note": "of two, both count"})):
        write_seed(tmp_path, number, {}, **more)
    assert "\nOf seed-1, seed-3: of two, both count.\n" in study_page.text(study_seed.read(tmp_path), "study")
    shutil.rmtree(tmp_path / "seed-1")
    shutil.rmtree(tmp_path / "seed-3")
    assert "both count" not in study_page.text(study_seed.read(tmp_path), "study")


def test_a_claim_is_one_row_though_a_seed_lacks_a_measure(tmp_path):
    for number in (1, 2, 3, 4):
        write_seed(tmp_path, number, {})
    draws = pd.read_csv(tmp_path / "seed-4/draws.csv")
    draws[draws["quantity"] != "wasserstein_3x3"].to_csv(tmp_path / "seed-4/draws.csv", index=False)
    page = study_page.text(study_seed.read(tmp_path), "study")
    glance = page.partition("## At a glance")[2].partition("## Claims")[0]
    (told,) = (
        each for each in glance.splitlines() if "| AtmoDist's loss beats ℓ2 | content loss alone" in each
    )
    assert told.split(" | ")[2] == "3 or 4"
    assert len(told.split(" | ")) == 7


def test_a_measure_that_no_seed_has_leaves_its_cell_empty(tmp_path):
    write_seed(tmp_path, 1, {})
    table = pd.read_csv(tmp_path / "seed-1/draws.csv")
    energy = table["quantity"] == "kinetic_energy_error_upper_half"
    table[~(energy & (table["system"] == "l2"))].to_csv(tmp_path / "seed-1/draws.csv", index=False)
    page = study_page.with_summary("\n".join(study_page.MARKS), study_seed.read(tmp_path))
    assert re.search(r"\| ℓ2 \| content loss alone \| – ( \| \d\.\d\d open){3} \|".replace("– (", "–("), page)


def test_the_command_makes_the_page_and_names_what_is_wrong(tmp_path):
    write_seed(tmp_path / "study", 1, {"atmodist": 0.5})
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
    assert page == study_page.text(study_seed.read(tmp_path / "study"), "study")
    assert "2 more seeds" in page
    assert "| ℓ2 | content loss alone |" in readme.read_text(encoding="utf-8")
    (tmp_path / "study/seed-1/draws.csv").write_text("")
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "draws.csv cannot be read" in failed.stderr
