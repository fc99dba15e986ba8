"""A small share of `make torture`: faults strike the first rules; the results are those of a run in peace."""

import os
import shutil
from collections import Counter

import numpy as np
import pytest
from faults import CUT, DELETED, JOB_KINDS, Disk, Inputs, Process, Watch, unfinished
from torture import RESULTS, Ledger, Limits, Run, Torture, differences, files, shares, wait_for_none

from atmodist.core.files import replacing

pytestmark = pytest.mark.timeout(1800)
TARGETS = [f"{RESULTS}/{name}" for name in ("snapshot.nc", "histograms.nc", "pairs/eval/00000.h5")]

RULES = ("simulate_atmosphere", "grid_fields", "virtual_dataset", "compute_moments", "sample_pairs")


def test_faults_leave_the_results_of_a_run_in_peace(finished, tmp_path):
    ledger = Ledger(tmp_path / "faults.jsonl")
    run = Run(tmp_path / "tortured", TARGETS, ["--cores", "2"])
    disk = Disk(run.folder / "results")
    usual = {f"{rule}/any": 0.7 for rule in RULES}
    try:
        run.torture(ledger, 1, 0, Limits(20, shares(40, usual), per_snakemake=8), usual, disk)
        assert run.wrong == []
        made = files(run.folder / RESULTS)
        assert {f"{RESULTS}/{path}" for path in made} >= set(TARGETS)
        wrong = list(differences(run.folder / RESULTS, finished / RESULTS, made))
        if wrong:  # the disk goes with the test
            shutil.copytree(run.folder / RESULTS, tmp_path / "kept", symlinks=True)
        assert wrong == [], f"{tmp_path}/kept holds what was made"
        assert wait_for_none(run.watch) == []
    finally:
        run.watch.kill()
        disk.remove()
    struck = Counter(line["kind"] for line in ledger.lines)
    assert struck.total() >= 10
    assert struck.keys() & JOB_KINDS.keys()
    assert Ledger(tmp_path / "faults.jsonl").lines == ledger.lines


def test_what_is_wrong_in_the_end_is_seen(tmp_path):
    for name in ("one", "other"):
        for path in ("a.nc", "logs/rule.log", "atmodist/m/training.csv"):
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text("epoch,loss,seconds\n1,2.5,10\n")
    one, other = tmp_path / "one", tmp_path / "other"
    (other / "atmodist/m/training.csv").write_text("epoch,loss,seconds\n1,2.5,11\n")
    (other / "logs/rule.log").write_text("another day")
    assert list(differences(one, other)) == []
    (other / "atmodist/m/training.csv").write_text("epoch,loss,seconds\n1,2.51,10\n")
    (other / "a.nc").write_text("epoch,loss,seconds\n1,2.5,11\n")
    (one / "b.nc").touch()
    (one / ".c.77.partial.nc").touch()
    assert list(differences(one, other)) == [
        ".c.77.partial.nc appears",
        "b.nc appears",
        "a.nc differs",
        "atmodist/m/training.csv differs",
        ".c.77.partial.nc is left",
    ]


def test_what_a_killed_writer_leaves_is_what_is_sought(tmp_path):
    with replacing(tmp_path / "pairs/00000.h5") as partial:
        partial.touch()
        assert list(unfinished(tmp_path)) == [partial]
    assert list(unfinished(tmp_path)) == []


@pytest.mark.parametrize("kind", [DELETED, CUT])
def test_what_is_taken_from_a_job_comes_back_when_it_has_ended(tmp_path, kind):
    (tmp_path / "results/tiny/grid").mkdir(parents=True)
    path, table = tmp_path / "results/tiny/grid/train.h5", tmp_path / "results/tiny/training.csv"
    path.write_bytes(bytes(range(200)))
    table.write_text("epoch\n1\n")
    os.utime(path, (1, 1))
    script = tmp_path / "tmp1.rule.py"
    script.write_text(
        "snakemake = (b'\\x8cresults/tiny/grid/train.h5\\x94', b'results/tiny/to-come.nc', "
        "'results/tiny/logs/rule.log', 'results/tiny/training.csv')"
    )
    job = Process(77, 1, "script", command=b"python\0" + bytes(script) + b"\0")
    assert job.results() == [
        "results/tiny/grid/train.h5", "results/tiny/to-come.nc", "results/tiny/training.csv"
    ]  # fmt: skip
    inputs, stream = Inputs(tmp_path), np.random.default_rng(4)
    if kind == DELETED:
        table.unlink()
    assert inputs.strike(kind, job, stream).startswith("results/tiny/grid/train.h5")
    assert not path.exists() if kind == DELETED else path.stat().st_size < 200
    assert inputs.strike(kind, job, stream) is None, "one at a time"
    inputs.give_back({77})
    assert not path.exists() or path.stat().st_size < 200
    if kind == CUT:
        inputs = Inputs(tmp_path)  # as of a harness that was killed
    inputs.give_back()
    assert path.read_bytes() == bytes(range(200))
    assert path.stat().st_mtime == 1, "or Snakemake would make again what comes after it"


def test_a_process_is_found_by_its_mark_wherever_it_went(tmp_path):
    watch = Watch(str(tmp_path))
    run = Run(tmp_path, [], ["--cores", "1"])
    snakemake = run.start("--version")
    assert snakemake.pid in watch.processes()
    assert watch.processes()[snakemake.pid].kind == "snakemake"
    watch.kill()
    assert snakemake.wait(30)
    assert watch.processes() == {}


def test_the_report_counts_each_fault_once(tmp_path):
    torture = Torture(tmp_path, cores=1, seed=0, targets=[])
    for rule, kind in (("grid_fields", "SIGINT"), ("snakemake", "SIGINT"), ("grid_fields", "disk full")):
        torture.faults.add({"round": 0, "rule": rule, "kind": kind})
    torture.rounds.add({"round": 0, "wrong": ["a.nc differs"], "said": {"grid_fields: error: a": 2}})
    report = torture.report()
    assert "3 faults in 1 rounds" in report
    assert "| rule | SIGINT | disk full | all |" in report
    assert "| grid_fields | 1 | 1 | 2 |" in report
    assert "| all | 2 | 1 | 3 |" in report
    assert "- round 0: a.nc differs" in report
    (tmp_path / "code").write_text("other")
    with pytest.raises(SystemExit, match="holds a run of other code"):
        Torture(tmp_path, cores=1, seed=0, targets=[])


def test_rules_that_compute_less_get_more_of_the_faults():
    usual = {"grid_fields/1": 0.4, "grid_fields/2": 0.6, "train/a": 4.0, "train/b": 6.0, "endless": 1e4}
    assert shares(120, usual) == {"grid_fields": 100, "train": 10, "endless": 10}
