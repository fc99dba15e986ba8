"""Trainings on a real Slurm, stopped in every way: each goes on where it was."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pandas as pd
import psutil
import pytest
from snakemake_runs import ON_SLURM, TINY, copy_results, edited, snakemake, workspace

pytestmark = pytest.mark.timeout(1800)
TRAINING = "results/tiny/atmodist/lags-23/training.csv"
LOG = "results/tiny/logs/train_atmodist/lags-23.log"


class EndlessTraining:
    """A training that runs on Slurm until it is stopped; started again, it must go on where it was."""

    def __init__(self, cluster, folder, **changes):
        self.cluster, self.folder = cluster, folder
        self.options = edited(folder, atmodist={"defaults": {"epochs": 10**6}}, **changes)

    @property
    def job(self):
        return self.cluster.jobs()[-1]["JobId"]

    @contextmanager
    def running(self, *options):
        """Snakemake with the training; ended by Ctrl-C, it leaves no job behind."""
        command = [sys.executable, "-m", "snakemake", TRAINING, *ON_SLURM, *self.options, *options]
        environment = os.environ | self.cluster.environment
        with (
            open(self.folder / "snakemake.log", "w") as stream,
            subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=stream, stderr=stream
            ) as process,
        ):
            try:
                yield
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(180)
        self.cluster.wait(lambda: not self.cluster.run("squeue", "--noheader"))

    def wait_for(self, pattern):
        """What the training's log says, once it says it; the next attempt begins it anew."""
        path, found = self.folder / LOG, []

        def says():
            found[:] = re.findall(pattern, path.read_text()) if path.exists() else []
            return found

        self.cluster.wait(says)
        return found[-1]

    def position(self, signal_name):
        """Where a signal has stopped the training."""
        return self.wait_for(rf"stopped by {signal_name} after (batch \d+ of epoch \d+): the state is saved")

    def goes_on(self, position):
        """Wait until the training goes on from there, and is on its way."""
        self.wait_for(f"resuming after {position}")
        self.wait_for(r"epoch \d+, training")

    def give_way(self):
        """Leave the processors to other tests, where there is a long time to wait."""
        for task in self.cluster.tasks(self.job, self.cluster.jobs()[-1]["NodeList"]):
            with suppress(psutil.NoSuchProcess):  # it has just ended
                task.nice(10)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """A folder with samples, of its own: the finished run comes too late for tests that take so long."""
    folder = workspace(tmp_path_factory.mktemp("samples"))
    run = snakemake(folder, TRAINING, *TINY, "--until", "sample_pairs")
    assert run.returncode == 0, run.stdout
    return folder


@pytest.fixture
def folder(samples, tmp_path):
    """A folder with samples and no training."""
    folder = workspace(tmp_path / "training")
    copy_results(samples, folder)
    return folder


def test_training_goes_on_after_every_way_to_stop_it(cluster, folder):
    training = EndlessTraining(cluster, folder)
    with training.running():
        training.wait_for(r"epoch 2, training")

        other = snakemake(training.folder, TRAINING, *training.options)
        assert other.returncode != 0
        assert "Directory cannot be locked" in other.stdout

        cluster.run("scancel", "--signal=USR1", training.job)  # a warning; Snakemake submits the job again
        training.goes_on(training.position("SIGUSR1"))

        cluster.run("scontrol", "requeue", training.job)  # pre-empted; Slurm queues the job again, for later
        position = training.position("SIGTERM")
        cluster.start_now(training.job)
        training.goes_on(position)

        epochs = int(training.wait_for(r"epoch (\d+), training"))
        node = cluster.jobs()[-1]["NodeList"]
        cluster.kill_node(node)
        cluster.start_now(training.job)
        cluster.wait(lambda: int(training.wait_for(r"resuming after batch \d+ of epoch (\d+)")) > epochs)
        assert cluster.jobs()[-1]["NodeList"] != node
        cluster.start_node(node)

    position = training.position("SIGTERM")  # Ctrl-C
    with training.running("--set-resources", "train_atmodist:runtime=2"):
        training.goes_on(position)
        training.give_way()
        position = training.position("SIGTERM")  # the time limit
        training.goes_on(position)
    states = [job["JobState"] for job in cluster.jobs()][-5:]
    assert "TIMEOUT" in states


def table(folder):
    """The rows of a training, without its times."""
    return pd.read_csv(folder / TRAINING).drop(columns="seconds")


def test_gpus_of_one_training_run_are_of_one_node(cluster, folder):
    """Where each node has one GPU left, Slurm would take both, and the step that trains could not start."""
    for node in ("node1", "node2"):
        cluster.run(
            "sbatch",
            "--gpus=1",
            f"--nodelist={node}",
            "--job-name=other",
            "--output=/dev/null",
            "--wrap=sleep 900",
        )
    cluster.wait(lambda: [job["JobState"] for job in cluster.jobs()[-2:]] == ["RUNNING"] * 2)
    training = EndlessTraining(cluster, folder, training={"device": "auto", "devices": 2})
    with training.running():
        cluster.wait(lambda: cluster.jobs()[-1].get("TresPerJob") == "gres:gpu:2")
        cluster.run("scancel", "--name=other")
        training.wait_for(r"training on 2 × CPU")
        assert cluster.jobs()[-1]["NumNodes"] == "1"
    assert training.position("SIGTERM")  # Ctrl-C


def test_two_nodes_train_as_two_processes_of_one(cluster, folder):
    run = snakemake(folder, TRAINING, *edited(folder, training={"device": "cpu", "devices": 2}))
    assert run.returncode == 0, run.stdout
    expected = table(folder)
    (folder / TRAINING).unlink()
    two_nodes = edited(folder, training={"device": "cpu", "nodes": 2})
    run = snakemake(folder, TRAINING, *ON_SLURM, *two_nodes, cores=None, **cluster.environment)
    assert run.returncode == 0, run.stdout
    assert cluster.jobs()[-1]["NumNodes"] == "2"
    pd.testing.assert_frame_equal(table(folder), expected, check_exact=True)


def test_two_nodes_fail_and_stop_together(cluster, folder):
    training = EndlessTraining(cluster, folder, training={"device": "cpu", "nodes": 2})
    with training.running():
        epochs = int(training.wait_for(r"epoch (\d+), training"))
        for task in cluster.tasks(f"{training.job}.1", "node2"):
            with suppress(psutil.NoSuchProcess):
                task.kill()  # the other node waits for it
        cluster.wait(lambda: int(training.wait_for(r"resuming after batch \d+ of epoch (\d+)")) > epochs)
    assert training.position("SIGTERM")  # Ctrl-C
