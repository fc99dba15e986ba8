"""The other nodes of a training run, with a stand-in for srun; test_slurm_training has a real Slurm."""

import os
import signal
import subprocess
import sys

import pytest
from snakemake_runs import ROOT

# Each process of the run writes who it is; the first one trains on, unless it is to fail.
SCRIPT = """\
import multiprocessing, os, sys, time
from pathlib import Path
from atmodist.core.job import job
from atmodist.learning.nodes import other_nodes

with job("train.log", "train"):
    with other_nodes(2, 3):
        rank = os.environ["NODE_RANK"]
        Path(f"rank-{rank}").write_text(f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}")
        if rank == "0" and "fail" in sys.argv:
            raise ValueError("bad batch")
        if rank == "0" and "wait" in sys.argv:
            waiting = multiprocessing.get_context("fork").Process(target=time.sleep, args=[3600])
            time.sleep(1)
            waiting.start()
            waiting.join()
            sys.exit(waiting.exitcode)
"""
RUNS = """\
#!/bin/sh
echo "$@" > options
while [ "$1" != sh ]; do shift; done
SLURM_PROCID=0 exec "$@"
"""
BREAKS = "#!/bin/sh\nexit 1\n"
JOB = {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "node1", "SLURM_NTASKS": "1"}


def run(folder, srun, *arguments, **slurm):
    """Run the script in a Slurm job of two nodes."""
    (folder / "script.py").write_text(SCRIPT)
    (folder / "srun").write_text(srun)
    (folder / "srun").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    environment |= {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "workflow/scripts")}
    return subprocess.run(
        [sys.executable, "script.py", *arguments],
        cwd=folder,
        env=environment | slurm,
        text=True,
        stderr=subprocess.PIPE,
        check=False,
    )


def test_the_script_runs_on_both_and_both_meet_at_the_first(tmp_path):
    assert run(tmp_path, RUNS, **JOB).returncode == 0
    assert (tmp_path / "rank-0").read_text() == (tmp_path / "rank-1").read_text()
    options = (tmp_path / "options").read_text()
    assert "--nodes=1 --ntasks=1 --ntasks-per-node=1 --cpus-per-task=3 --exclude=node1" in options
    assert (tmp_path / "train.log.node-1").exists()


@pytest.mark.parametrize("missing", ["SLURMD_NODENAME", "SLURM_JOB_ID"])
def test_outside_a_job_the_key_is_named(tmp_path, missing):
    run_ = run(tmp_path, RUNS, **{name: value for name, value in JOB.items() if name != missing})
    assert run_.returncode == 1
    assert "training.nodes is 2, but this is no Slurm job; expected 1." in run_.stderr
    assert not (tmp_path / "options").exists()


def test_processes_that_start_after_the_other_node_failed_do_not_wait_for_it(tmp_path):
    failed = run(tmp_path, BREAKS, "wait", **JOB)
    assert failed.returncode == 256 - signal.SIGKILL, "killed, not waited for"
    assert "failed on another node" in failed.stderr


def test_a_failure_here_is_not_blamed_on_others(tmp_path):
    failed = run(tmp_path, RUNS.replace("exec", "sleep 3; exec"), "fail", **JOB)
    assert failed.returncode == 1
    assert "ValueError: bad batch" in failed.stderr
    assert "another node" not in failed.stderr
