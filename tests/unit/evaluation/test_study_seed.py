"""What is kept of a seed of the study, and seeds that cannot be compared."""

import numpy as np
import pandas as pd
import pytest
from made_up_seeds import MODELS, write_seed

from atmodist.core.errors import InputError
from atmodist.evaluation import claims, study, study_seed
from atmodist.figures import study_page


def test_the_balance_of_a_duel_is_the_mean_over_its_epochs():
    duel = pd.DataFrame({"model": ["a", "a", "b"], "discriminator": [0.2, 0.6, 0.9]})
    assert study_seed.Seed("seed-1", {"duel": duel}).balance("a") == pytest.approx(0.4)
    assert np.isnan(study_seed.Seed("seed-1", {"duel": duel[["model"]]}).balance("a"))


def test_models_may_have_names_that_look_like_numbers(tmp_path):
    names = ["7", "07", "NA", "nan"]
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"7": 0.5}, models=MODELS | dict.fromkeys(names, ("mse", 0)))
    seeds = study_seed.read(tmp_path)
    assert claims.models(seeds) == [*MODELS, *names]
    assert study.error(seeds, "7", "spectrum").value == pytest.approx(0.5, rel=0.1)
    assert study.error(seeds, "NA", "spectrum").value == pytest.approx(1, rel=0.1)


def test_seeds_of_other_settings_are_refused(tmp_path):
    write_seed(tmp_path, 1, {})
    write_seed(tmp_path, 2, {}, settings="b")
    with pytest.raises(InputError, match=r"seed-2 of .* has other settings than seed-1"):
        study_seed.read(tmp_path)


def test_a_model_of_other_settings_is_refused_though_the_first_seed_lacks_it(tmp_path):
    fewer = {name: MODELS[name] for name in ("l2", "atmodist")}
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {}, models=fewer if number == 1 else MODELS)
    table = pd.read_csv(tmp_path / "seed-3/models.csv").replace({"settings": {"random": "other"}})
    table.to_csv(tmp_path / "seed-3/models.csv", index=False)
    with pytest.raises(InputError, match=r"seed-3 of .* has model random with other settings than seed-2"):
        study_seed.read(tmp_path)


def test_a_model_is_of_other_settings_if_its_encoder_is():
    of = study_seed.fingerprint_of_model
    model, one, other = {"content": {"encoder": "a", "layer": "stage4"}}, {"epochs": 1}, {"epochs": 2}
    assert of(model, {"a": one}) != of(model, {"a": other})
    assert of(model, {"a": one, "b": one}) == of(model, {"a": one, "b": other})
    assert of({"content": "mse"}, {"a": one}) == of({"content": "mse"}, {})


def test_a_folder_of_another_seed_or_of_none_is_refused(tmp_path):
    write_seed(tmp_path, 1, {})
    (tmp_path / "seed-1").rename(tmp_path / "seed-2")
    with pytest.raises(InputError, match=r"seed-2 of .* holds seed 1; expected its own"):
        study_seed.read(tmp_path)
    (tmp_path / "seed-2").rename(tmp_path / "seed-1.old")
    with pytest.raises(InputError, match=r"seed-1\.old is no seed's folder; expected a number"):
        study_seed.read(tmp_path)


def test_hours_are_more_than_told_of_a_training_run_that_was_resumed(tmp_path):
    rows = [("train_srgan/l2", 201, 1800), ("grid_fields/a", 1, 1800), ("measure_orderings", 1, 3600)]
    for number, seconds in ((1, 201), (2, 50)):
        write_seed(tmp_path, number, {}, models={"l2": ("mse", 0)})
        table = pd.DataFrame(rows, columns=["job", "s", "cpu_time"])
        table.loc[0, "s"] = seconds
        table.to_csv(tmp_path / f"seed-{number}/jobs.csv", index=False)
    one, two = study_seed.read(tmp_path)
    assert (one.hours(), two.hours()) == ((1.0, False), (1.0, True))
    assert "| seed-2 | a CPU | 2 | 32-true | 1 | more than 1.0 |" in study_page.text([one, two], "study")


def test_a_seed_that_lacks_a_table_is_named(tmp_path):
    write_seed(tmp_path, 4, {})
    (tmp_path / "seed-4/duel.csv").unlink()
    with pytest.raises(InputError, match=r"seed-4/duel.csv cannot be read"):
        study_seed.read(tmp_path)
    (tmp_path / "seed-4/duel.csv").write_text("network,epoch\nl2,1\n")
    with pytest.raises(InputError, match=r"seed-4/duel.csv has no column model; expected a seed's table"):
        study_seed.read(tmp_path)


def test_jobs_are_those_that_snakemake_measured_last(tmp_path):
    """A retried job has a row for each attempt; the job that collects is not among what it collects."""
    (tmp_path / "train_srgan").mkdir()
    for name, times in {"train_srgan/l2": (5, 90.5), "collect_study": (3,), "summary": (7,)}.items():
        rows = {"s": times, "h:m:s": "0", "cpu_time": np.array(times) * 2}
        pd.DataFrame(rows).to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    jobs = study_seed.table_of_jobs(tmp_path).set_index("job")
    assert jobs.to_dict("index") == {
        "summary": {"s": 7, "cpu_time": 14},
        "train_srgan/l2": {"s": 90.5, "cpu_time": 181},
    }


def test_models_are_told_by_what_their_loss_is_of():
    content = {"encoder": "lags-23", "layer": "stage4"}
    models = {"l2": {"content": "mse", "adversarial_weight": 0}}
    models |= {"atmodist": {"content": content, "adversarial_weight": 0.001}}
    table = study_seed.table_of_models(models, {"lags-23": {"classes": 23}}).set_index("model")
    assert table.loc["l2", ["content", "layer"]].tolist() == ["mse", ""]
    assert table.loc["atmodist", ["content", "layer"]].tolist() == ["lags-23", "stage4"]
    assert table["adversarial_weight"].tolist() == [0, 0.001]
    assert table["settings"].nunique() == 2
