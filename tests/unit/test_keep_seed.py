"""What keeping a seed of the study replaces, and what it refuses to."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml
from made_up_seeds import MODELS, write_seed

from atmodist.evaluation import study_seed

ROOT = Path(__file__).parents[2]


def test_a_seed_with_fewer_models_does_not_replace_one_with_more(tmp_path):
    script, kept = ROOT / "workflow/keep_seed.py", tmp_path / "kept/seed-1"
    keep = [sys.executable, script, "keep", kept, tmp_path / "made/seed-1"]
    write_seed(tmp_path / "made", 1, {}, models={"l2": ("mse", 0)})
    subprocess.run(keep, check=True)
    orderings = kept / "orderings.csv"
    orderings.write_text("distance,family,right\nl1,lag,0.9\n")
    subprocess.run(keep, check=True)
    assert orderings.exists()
    for other in ("b", "of the encoder"):
        orderings.write_text("distance,family,right\nl1,lag,0.9\n")
        shutil.rmtree(tmp_path / "made")
        write_seed(tmp_path / "made", 1, {}, settings="b")
        if other != "b":
            models = pd.read_csv(tmp_path / "made/seed-1/models.csv").assign(settings=other)
            models.to_csv(tmp_path / "made/seed-1/models.csv", index=False)
        told = subprocess.run(keep, check=True, capture_output=True, text=True).stdout
        assert "orderings.csv was of other settings and is deleted" in told
        assert not orderings.exists()
    assert study_seed.read(tmp_path / "kept")[0].models() == list(MODELS)
    shutil.rmtree(tmp_path / "made")
    write_seed(
        tmp_path / "made", 1, {}, settings="b", models={name: MODELS[name] for name in list(MODELS)[2:]}
    )
    failed = subprocess.run(keep, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "seed-1 has models that this would not have: atmodist, l2; expected them, too" in failed.stderr
    assert study_seed.read(tmp_path / "kept")[0].models() == list(MODELS)


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
