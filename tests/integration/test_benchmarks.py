"""The benchmarks run; what they measure is not asked here."""

import re
import subprocess
import sys

from snakemake_runs import ROOT

# The paper's networks made small, on a batch of two.
SMALL = """
import sys

import training

training.GENERATOR.update(channels=4, blocks=1)
training.ENCODER.update(stages=(4, 4, 4, 4), blocks=1)
training.SETTINGS["atmodist"].update(stages=[4, 4, 4, 4], blocks=1)
for settings in training.SETTINGS.values():
    settings["batch_size"] = 2
sys.argv[1:] = ["--device", "cpu", "--precision", "32-true", "--threads", "1", "--batches", "2"]
training.main()
"""


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True, check=False
    )


def test_each_is_understood_as_a_program():
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
    assert "training" in names
    run = python(f"import importlib; [importlib.import_module(name) for name in {names}]")
    assert run.returncode == 0, run.stderr


def test_training_is_measured_for_each_kind_of_network_from_memory_and_from_disk():
    run = python(SMALL)
    assert run.returncode == 0, run.stderr
    rows = re.findall(r"(?m)^(\w+) +(\d+) px, +2 +([\d.]+) +([\d.]+) \( *\d+%\) +([\d.]+) \(", run.stdout)
    assert [row[:2] for row in rows] == [
        ("atmodist", "32"), ("atmodist", "160"), ("generator", "96"), ("srgan", "96")
    ]  # fmt: skip
    assert all(float(rate) > 0 for row in rows for rate in row[2:])
