"""The benchmarks run; what they measure is not asked here."""

import re
import subprocess
import sys

import pytest
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

# A process of its own for each line takes two seconds to start.
IN_ONE_PROCESS = """
import sys
from multiprocessing import Pipe
from unittest.mock import Mock

import data


def called(function, *arguments):
    ours, theirs = Pipe()
    function(*arguments, theirs)
    return Mock(), ours, ours.recv()


data.called = called
sys.argv[1:] = ["--truncation", "63", "--times", "4"]
data.main()
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


def test_every_step_of_the_data_is_measured():
    run = python(IN_ONE_PROCESS)
    assert run.returncode == 0, run.stderr
    rows = re.findall(r"(?m)^  (\S.*?) {2,}([\d.]+) (?:\w+/s|MB/s)", run.stdout)
    assert {"SHTOOLS", "ducc0, float32", "Fields", "LZ4, 12 bits, checksum", "1 thread"} <= dict(rows).keys()
    assert all(float(rate) > 0 for _, rate in rows)


def test_every_metric_is_measured_and_the_scalar_way_to_energy_agrees():
    run = python('import sys, evaluation; sys.argv[1:] = ["--truncation", "31"]; evaluation.main()')
    assert run.returncode == 0, run.stderr
    assert re.search(r"(?m)^ +all metrics of a system +[\d.]+", run.stdout)
    assert float(run.stdout.split()[-1]) == pytest.approx(1, abs=0.01)
