"""A small share of `make torture`: faults strike the first rules; the results are those of a run in peace."""

from collections import Counter

import pytest
from faults import JOB_KINDS, Disk, Watch, unfinished
from torture import RESULTS, Ledger, Limits, Run, differences, files, shares, wait_for_none

from atmodist.core.files import replacing

pytestmark = pytest.mark.timeout(900)
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
        assert list(differences(run.folder / RESULTS, finished / RESULTS, made)) == []
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


def test_a_process_is_found_by_its_mark_wherever_it_went(tmp_path):
    watch = Watch(str(tmp_path))
    run = Run(tmp_path, [], ["--cores", "1"])
    snakemake = run.start("--version")
    assert snakemake.pid in watch.processes()
    assert watch.processes()[snakemake.pid].kind == "snakemake"
    watch.kill()
    assert snakemake.wait(30)
    assert watch.processes() == {}
