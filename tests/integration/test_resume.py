"""Training runs that are killed at random moments, and training runs on two processes."""

import multiprocessing
import os
import shutil
import signal
import time
from contextlib import suppress
from itertools import count

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from forking import processes, start_server
from trainings import (
    ATMODIST,
    AUTOENCODER,
    GENERATOR,
    HARDWARE,
    INPAINTING,
    SRGAN,
    VARIABLES,
    run,
    write_pairs,
    write_patches,
)

from atmodist.core.errors import InputError
from atmodist.learning import saved
from atmodist.learning.devices import Hardware
from atmodist.learning.launching import launch
from atmodist.learning.networks import Generator
from atmodist.samples import batches

PRETRAINING = {"epochs": 3, "learning_rate": 1.0e-3, "batches": 40}
COMMON = {"patch": 32, "variables": VARIABLES, "seed": 1}
LOG = {"log": "training.csv"}
OUTPUTS = {**LOG, "weights": "weights"}
DROPPING = {"learning_rate_schedule": {"factor": 0.1, "patience": 2, "threshold": 1.0, "floor": 1.0e-5}}
"""A learning rate that drops after the third epoch, as no loss falls by so much."""
KINDS = {
    "train_atmodist": (
        {"pairs": ["../pairs-0.h5", "../pairs-1.h5"]},
        {"settings": {**ATMODIST, **DROPPING, "epochs": 4, "batches": 60}, "model": "tiny", **COMMON},
        OUTPUTS,
    ),
    "train_autoencoder": (
        {"pairs": ["../pairs-0.h5", "../pairs-1.h5"]},
        {"settings": {**AUTOENCODER, **DROPPING, "epochs": 4, "batches": 24}, "model": "tiny", **COMMON},
        OUTPUTS,
    ),
    "train_inpainting": (
        {"pairs": ["../pairs-0.h5", "../pairs-1.h5"]},
        {"settings": {**INPAINTING, "epochs": 3, "batches": 24}, "model": "tiny", **COMMON},
        OUTPUTS,
    ),
    "pretrain_generator": (
        {"patches": ["../patches.h5"]},
        {"generator": GENERATOR, "settings": PRETRAINING, "batch_size": 4, **COMMON},
        {**LOG, "generator": "generator.pt"},
    ),
    "train_srgan": (
        {"patches": ["../patches.h5"], "generator": "../generator.pt"},
        {"generator": GENERATOR, "settings": {**SRGAN, "batches": 30}, "model": "tiny", **COMMON},
        OUTPUTS,
    ),
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    for number in range(2):
        write_pairs(folder / f"pairs-{number}.h5", count=300, seed=number)
    write_patches(folder / "patches.h5", count=200)
    torch.manual_seed(0)
    saved.save(folder / "generator.pt", {"generator": Generator(2, **GENERATOR).state_dict()})
    start_server()
    return folder


def run_with_workers(*arguments):
    """Run a training script whose samples do not fit into memory, so that other processes read them."""
    batches.Batches.in_memory = property(lambda self: False)
    multiprocessing.set_start_method("fork", force=True)  # as in a job; tests start processes otherwise
    run(*arguments)


def start(script, folder, settings=None, target=run, **hardware):
    """Start a training script in a process of its own."""
    folder.mkdir(exist_ok=True)
    inputs, params, outputs = KINDS[script]
    params = {**params, "settings": {**params["settings"], **(settings or {})}}
    process = processes.Process(
        target=target, args=(script, folder, inputs, outputs, params, {**HARDWARE, **hardware})
    )
    process.start()
    return process


def train(*arguments, **settings):
    """Run a training script to its end."""
    process = start(*arguments, **settings)
    process.join()
    assert process.exitcode == 0


def wait_until(process, log, text):
    """Wait until a training run has written ``text`` to its log."""
    while process.is_alive() and not (log.exists() and text in log.read_text()):
        time.sleep(0.01)


def result(folder):
    """Weights of every epoch, or of the last, and the table without its times."""
    weights = {
        (path.name, part, name): tensor
        for path in sorted([*folder.glob("weights/*"), *folder.glob("generator.pt")])
        for part, state in saved.load(path).items()
        for name, tensor in state.items()
    }
    return weights, pd.read_csv(folder / "training.csv").drop(columns="seconds")


def assert_same_bits(folder, other):
    (weights, table), (others, other_table) = result(folder), result(other)
    assert weights
    assert list(weights) == list(others)
    assert all(torch.equal(weights[key], others[key]) for key in weights)
    pd.testing.assert_frame_equal(table, other_table, check_exact=True)
    assert (folder / ".resume/finished").exists()


@pytest.fixture(scope="module", params=KINDS)
def uninterrupted(request, samples):
    began = time.monotonic()
    train(request.param, samples / request.param)
    return request.param, samples / request.param, time.monotonic() - began


def test_schedules_and_phases_lower_the_learning_rate(uninterrupted):
    """Else a run that forgot them would end as it should."""
    script, whole, _ = uninterrupted
    _, table = result(whole)
    before, last = table["learning_rate"].iloc[-2:]
    scheduled = script in ("train_atmodist", "train_autoencoder", "train_srgan")
    assert last == pytest.approx(before / 10 if scheduled else before)


def test_finished_it_is_published_again_and_not_trained_again(uninterrupted, samples):
    script, whole, _ = uninterrupted
    folder = samples / f"{script}-again"
    shutil.copytree(whole, folder)
    for path in KINDS[script][2].values():
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()
    train(script, folder)
    log = (folder / f"{script}.log").read_text()
    assert "finished before: publishing it again" in log
    assert "epoch 1, " not in log
    assert_same_bits(folder, whole)


@pytest.mark.parametrize("checkpoint_minutes", [0, 0.002, 10])
def test_killed_at_random_moments(uninterrupted, samples, checkpoint_minutes):
    script, whole, seconds = uninterrupted
    folder = samples / f"{script}-{checkpoint_minutes}"
    rng = np.random.default_rng(round(1000 * checkpoint_minutes))
    state = folder / ".resume" / "state.pt"
    process = start(script, folder, checkpoint_minutes=checkpoint_minutes)
    while process.is_alive() and not state.exists():
        time.sleep(0.001)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert state.exists()
    for attempt in count():
        process = start(script, folder, checkpoint_minutes=checkpoint_minutes)
        process.join(rng.uniform(0.1, 0.6 + 0.1 * attempt) * seconds)
        process.kill()
        process.join()
        if process.exitcode != -signal.SIGKILL:
            break
    assert process.exitcode == 0
    assert_same_bits(folder, whole)


def test_stopped_by_the_cluster_or_the_keyboard(uninterrupted, samples):
    script, whole, _ = uninterrupted
    folder = samples / f"{script}-stopped"
    log = folder / f"{script}.log"
    for number, code in ((signal.SIGTERM, 143), (signal.SIGUSR1, 138), (signal.SIGINT, 130)):
        process = start(script, folder)
        wait_until(process, log, "batches")
        os.kill(process.pid, number)
        process.join()
        assert process.exitcode == code
        assert f"stopped by {number.name} after batch" in log.read_text()
        assert "Traceback" not in log.read_text()
        log.unlink()
    train(script, folder)
    assert "resuming after batch" in log.read_text()
    assert_same_bits(folder, whole)


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("everyone", [True, False])
def test_stopped_while_other_processes_read(samples, devices, everyone):
    """Slurm's signals reach all processes of a job, those of others may reach the first one alone."""
    folder, whole = (samples / f"{name}-{devices}-{everyone}" for name in ("reading", "reading-whole"))
    settings = {"devices": devices, "settings": {"epochs": 2}, "target": run_with_workers}
    process = start("train_atmodist", folder, **settings)
    log = folder / "train_atmodist.log"
    wait_until(process, log, "epoch 1, pre-training")
    first = psutil.Process(process.pid)
    others = 1 if devices == 1 else 2 * devices  # the reader; or each device's process, and its reader
    while process.is_alive() and len(first.children(recursive=True)) < others:
        time.sleep(0.001)  # until the readers of the next epoch are there
    receivers = [first, *first.children(recursive=True)] if everyone else [first]
    for receiver in receivers:
        with suppress(psutil.NoSuchProcess):  # readers are others in every epoch
            receiver.send_signal(signal.SIGTERM)
    process.join(60)
    assert process.exitcode == 143
    assert "stopped by SIGTERM after batch" in log.read_text()
    train("train_atmodist", folder, **settings)
    train("train_atmodist", whole, **settings)
    assert_same_bits(folder, whole)


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("fault", ["cut", "deleted"])
def test_samples_that_other_processes_cannot_read_end_the_run(samples, tmp_path, devices, fault):
    """In one sentence; Python would wait for ever for readers, which do not see the signal to end."""
    shard = tmp_path / "pairs-0.h5"
    shutil.copy(samples / "pairs-0.h5", shard)
    shutil.copy(samples / "pairs-1.h5", tmp_path)
    folder = tmp_path / "run"
    process = start("train_atmodist", folder, target=run_with_workers, devices=devices)
    wait_until(process, folder / "train_atmodist.log", "epoch 1, pre-training")
    if fault == "cut":
        os.truncate(shard, shard.stat().st_size // 2)
    else:
        shard.unlink()
    process.join(120)
    assert process.exitcode == 1
    told = (folder / "train_atmodist.log").read_text()
    assert "error: ../pairs-0.h5 cannot be read" in told
    assert "Traceback" not in told
    assert "DataLoader" not in told


def test_other_settings_start_afresh(samples):
    folder = samples / "afresh"
    process = start("train_atmodist", folder)
    wait_until(process, folder / "train_atmodist.log", "epoch 2, ")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    changed = {"learning_rate": 0.01}
    train("train_atmodist", folder, settings=changed)
    assert "starting afresh" in (folder / "train_atmodist.log").read_text()
    train("train_atmodist", samples / "changed", settings=changed)
    assert_same_bits(folder, samples / "changed")


def test_two_processes_train_as_one(samples):
    """The gradients of two half batches are averaged: without batch statistics, that is the whole batch's."""
    short = {"phases": [{"epochs": 2, "learning_rate": 1e-4}], "batches": 6}
    for devices in (1, 2):
        train("train_srgan", samples / f"devices-{devices}", settings=short, devices=devices)
    (weights, table), (others, other_table) = (result(samples / f"devices-{n}") for n in (1, 2))
    pd.testing.assert_frame_equal(table, other_table, rtol=1e-3)
    for key in weights:
        torch.testing.assert_close(weights[key], others[key], rtol=0, atol=3e-4)


def test_two_processes_stop_and_resume_together(samples):
    folder = samples / "atmodist-devices"
    short = {"epochs": 2, "batches": 20}
    process = start("train_atmodist", folder, settings=short, devices=2)
    wait_until(process, folder / "train_atmodist.log", "batches")
    os.kill(process.pid, signal.SIGTERM)
    process.join(60)
    assert process.exitcode == 143
    train("train_atmodist", folder, settings=short, devices=2)
    train("train_atmodist", samples / "atmodist-devices-whole", settings=short, devices=2)
    assert_same_bits(folder, samples / "atmodist-devices-whole")


def test_two_processes_fail_in_one_sentence(samples):
    folder = samples / "diverging-devices"
    process = start("train_atmodist", folder, settings={"epochs": 1, "learning_rate": 1e30}, devices=2)
    process.join(120)
    assert process.exitcode == 1
    lines = (folder / "train_atmodist.log").read_text().splitlines()
    assert any("error: the training diverged in epoch 1" in line for line in lines)
    assert not any("Traceback" in line or "ProcessRaisedException" in line for line in lines)


def fail_on_the_second(fabric):
    """A training run in which the first process waits for the second."""
    if fabric.global_rank == 1:
        raise InputError("only the second half is damaged")
    fabric.barrier()


def test_no_process_waits_for_one_that_failed(samples):
    process = processes.Process(
        target=launch, args=(Hardware(**{**HARDWARE, "devices": 2}), fail_on_the_second)
    )
    process.start()
    process.join(120)
    assert process.exitcode == 1
