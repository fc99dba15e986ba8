"""What training runs share: positions, tables, checkpoints, signals and errors."""

import dataclasses
import json
import os
import shutil
import signal

import pandas as pd
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from trainings import CPU, VARIABLES, die_after, training_job, write_patches

from atmodist.core.errors import InputError
from atmodist.learning import devices, launching, saved, training
from atmodist.learning.launching import fabric_of, launch
from atmodist.learning.saved import is_finite
from atmodist.learning.training import TrainingRun
from atmodist.samples.batches import PatchBatches, SampleFiles, loader


@pytest.fixture
def fabric():
    return fabric_of(CPU)


@pytest.fixture
def data(tmp_path):
    write_patches(tmp_path / "patches.h5", count=20, patch=8)
    return PatchBatches(SampleFiles([tmp_path / "patches.h5"], 8, VARIABLES), batch_size=4)


def counter(fabric, folder, identity="same"):
    """A training run whose only part is a number."""
    torch.manual_seed(0)
    network = torch.nn.Linear(1, 1, bias=False)
    job = dataclasses.replace(training_job(folder, []), identity=identity)
    return TrainingRun(fabric, job, {"network": network}, unit="samples"), network


def step(run, network, batch):
    """Make the weight depend on every batch, and on their order."""
    with torch.no_grad():
        network.weight.mul_(0.9).add_(batch.float().mean())
    run.record(len(batch), loss=network.weight.mean())


def finish(run, network, data, after_step=lambda: None):
    for _ in run.epochs(2):
        for batch in run.batches(data, seed=1):
            step(run, network, batch)
            after_step()
        run.end_epoch({"phase": "training", **run.means()}, keep=["network"])


def test_every_batch_of_every_epoch_once(fabric, data, tmp_path):
    run, _ = counter(fabric, tmp_path)
    seen = []
    for epoch in run.epochs(2):
        batches = list(run.batches(data, seed=5))
        assert all(torch.equal(a, b) for a, b in zip(batches, loader(data, epoch, 5), strict=True))
        seen.append(batches)
        run.record(1, loss=0.0)
        run.end_epoch({"phase": "training"}, keep=[])
    assert not torch.equal(torch.cat(seen[0]), torch.cat(seen[1]))


def test_a_run_that_diverges_says_so(fabric, tmp_path):
    run, _ = counter(fabric, tmp_path)
    run.record(1, loss=float("nan"))
    with pytest.raises(InputError, match="diverged in epoch 1"):
        run.means()


@pytest.mark.parametrize(
    ("batch_of_the_fault", "saves_each", "kept"),
    [(2, True, 2), (4, True, 4), (7, True, 7), (4, False, 0), (9, False, 5)],
)
def test_a_fault_of_a_device_does_not_reach_the_state_that_is_kept(
    fabric, data, tmp_path, monkeypatch, batch_of_the_fault, saves_each, kept
):
    """After every batch, or at the end of an epoch whose last step it struck: a retry ends well."""
    whole, network = counter(fabric, tmp_path / "whole")
    finish(whole, network, data)

    monkeypatch.setattr(training.Every, "is_due", lambda self: saves_each)
    faulty, weight = counter(fabric, tmp_path / "faulty")
    done = 0

    def fault():
        nonlocal done
        if done == batch_of_the_fault:
            weight.weight.data.fill_(float("nan"))
        done += 1

    with pytest.raises(InputError, match=r"epoch \d: after batch \d, network holds .* is kept"):
        finish(faulty, weight, data, after_step=fault)
    again, weight = counter(fabric, tmp_path / "faulty")
    assert again.epoch * len(data) + again.batch == kept
    finish(again, weight, data)
    assert torch.equal(weight.weight, network.weight)
    assert all(is_finite(saved.load(path)) for path in (tmp_path / "faulty/.resume/weights").glob("*.pt"))


@pytest.mark.parametrize("batches_before_stop", [1, 3, 5, 7])
def test_stopped_and_resumed_equals_uninterrupted(fabric, data, tmp_path, batches_before_stop):
    whole, network = counter(fabric, tmp_path / "whole")
    finish(whole, network, data)

    stopped, weight = counter(fabric, tmp_path / "stopped")
    done = 0

    def stop_in_time():
        nonlocal done
        done += 1
        if done == batches_before_stop:
            launching.stopped_by.append(signal.SIGTERM)

    with pytest.raises(SystemExit) as leaving:
        finish(stopped, weight, data, after_step=stop_in_time)
    assert leaving.value.code == 143
    assert done == batches_before_stop
    launching.stopped_by.clear()

    resumed, weight = counter(fabric, tmp_path / "stopped")
    assert resumed.epoch * len(data) + resumed.batch == batches_before_stop
    finish(resumed, weight, data)
    assert torch.equal(weight.weight, network.weight)
    whole.publish(weights=tmp_path / "whole/weights")
    resumed.publish(weights=tmp_path / "stopped/weights")
    tables = [pd.read_csv(tmp_path / name / "training.csv") for name in ("whole", "stopped")]
    pd.testing.assert_frame_equal(*(table.drop(columns="seconds") for table in tables), check_exact=True)


def test_published_are_the_weights_of_all_epochs_the_last_and_the_table(fabric, data, tmp_path):
    run, network = counter(fabric, tmp_path)
    finish(run, network, data)
    (tmp_path / ".resume/weights/.epoch-001.99.partial.pt").touch()  # of a process that was killed
    run.publish(weights=tmp_path / "weights", last=tmp_path / "last.pt")
    for folder in ("tensorboard", ".resume"):
        shutil.rmtree(tmp_path / folder)
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["epoch-001.pt", "epoch-002.pt", "last.pt", "patches.h5", "training.csv"]
    assert list(pd.read_csv(tmp_path / "training.csv")) == ["epoch", "phase", "loss", "seconds"]
    last = saved.load(tmp_path / "last.pt")["network"]["weight"]
    assert torch.equal(last, network.weight)


def test_an_edit_in_the_middle_is_none_of_the_code_that_trained(fabric, data, tmp_path, monkeypatch):
    stopped, network = counter(fabric, tmp_path)
    for batch in stopped.batches(data, seed=1):
        step(stopped, network, batch)
    stopped.end_epoch({"phase": "training", **stopped.means()}, keep=["network"])
    monkeypatch.setattr(training, "code", lambda: "edited")
    resumed, network = counter(fabric, tmp_path)
    assert resumed.epoch == 1
    finish(resumed, network, data)
    resumed.publish(weights=tmp_path / "weights")
    again, _ = counter(fabric, tmp_path)
    assert list(again.epochs(2)) == [0, 1]


def test_damaged_weights_of_a_finished_run_are_trained_again(fabric, data, tmp_path):
    run, network = counter(fabric, tmp_path)
    finish(run, network, data)
    run.publish(weights=tmp_path / "weights")
    with open(tmp_path / "weights/epoch-001.pt", "r+b") as file:  # the same bytes as in .resume
        file.seek(-300, os.SEEK_END)
        file.write(b"damage")
    again, _ = counter(fabric, tmp_path)
    assert list(again.epochs(2)) == [0, 1]


def test_a_run_can_be_watched(fabric, data, tmp_path, monkeypatch):
    """TensorBoard reads each epoch's values at the right batch, once, also when an epoch was done twice."""
    monkeypatch.setattr(training, "EVENT_SECONDS", 0)
    lost, network = counter(fabric, tmp_path)
    for epoch in lost.epochs(2):
        for number, batch in enumerate(lost.batches(data, seed=1)):
            step(lost, network, batch)
            if epoch and number == 2:
                lost.events.flush()
                break
        else:
            lost.end_epoch({"phase": "training", **lost.means()}, keep=["network"])
            table = pd.read_csv(tmp_path / ".resume/training.csv")
    run, network = counter(fabric, tmp_path)
    finish(run, network, data)
    run.publish(weights=tmp_path / "weights")
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert {*events.Tags()["scalars"]} == {"epochs/loss", "epochs/seconds", "batches/loss"}
    losses = pd.read_csv(tmp_path / "training.csv")["loss"]
    assert table["loss"].tolist() == losses[:1].tolist()
    epochs = events.Scalars("epochs/loss")
    assert [each.step for each in epochs] == [len(data), 2 * len(data)]
    assert [each.value for each in epochs] == pytest.approx(losses.tolist())
    batches = events.Scalars("batches/loss")
    assert [each.step for each in batches] == [*range(1, 2 * len(data) + 1)]
    first = [each.value for each in batches[: len(data)]]
    assert sum(first) / len(first) == pytest.approx(losses[0]), "batches are equally large"


def test_values_that_a_state_counts_as_written_are_on_disk(fabric, data, tmp_path, monkeypatch):
    """A run that resumes does not write them again."""
    monkeypatch.setattr(training, "EVENT_SECONDS", 0)
    run, network = counter(fabric, tmp_path)
    for batch in run.batches(data, seed=1):
        step(run, network, batch)
    run.end_epoch({"phase": "training", **run.means()}, keep=["network"])
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [each.step for each in events.Scalars("batches/loss")] == [*range(1, len(data) + 1)]
    assert [each.step for each in events.Scalars("epochs/loss")] == [len(data)]


def test_the_state_belongs_to_the_run_that_started_last(fabric, data, tmp_path):
    whole, network = counter(fabric, tmp_path / "whole")
    finish(whole, network, data)
    expected = network.weight.clone()

    orphan, lost = counter(fabric, tmp_path / "shared")
    step(orphan, lost, next(orphan.batches(data, seed=1)))
    heir, network = counter(fabric, tmp_path / "shared")
    with pytest.raises(InputError, match="belongs to a training run that was started later"):
        finish(orphan, lost, data)
    finish(heir, network, data)
    heir.publish(weights=tmp_path / "shared/weights")
    with pytest.raises(InputError, match="belongs to"):
        orphan.publish(weights=tmp_path / "shared/weights")
    assert torch.equal(network.weight, expected)


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_killed_while_it_publishes_it_publishes_again(fabric, data, tmp_path, monkeypatch, moves):
    run, network = counter(fabric, tmp_path)
    finish(run, network, data)
    die_after(monkeypatch, moves)
    with pytest.raises(KeyboardInterrupt):
        run.publish(weights=tmp_path / "weights")
    monkeypatch.undo()
    again, network = counter(fabric, tmp_path)
    finish(again, network, data)
    again.publish(weights=tmp_path / "weights")
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == ["epoch-001.pt", "epoch-002.pt"]
    assert len(pd.read_csv(tmp_path / "training.csv")) == 2


def test_what_has_finished_is_published_again_and_not_trained_again(fabric, data, tmp_path, monkeypatch):
    """As after Snakemake was killed, which then deletes what it does not know to be complete."""
    run, network = counter(fabric, tmp_path)
    finish(run, network, data)
    run.publish(weights=tmp_path / "weights", last=tmp_path / "last.pt")
    made = {
        path: path.read_bytes()
        for path in (*tmp_path.glob("weights/*"), tmp_path / "last.pt", tmp_path / "training.csv")
    }
    shutil.rmtree(tmp_path / "weights")
    for name in ("last.pt", "training.csv"):
        (tmp_path / name).unlink()
    again, weight = counter(fabric, tmp_path)
    assert list(again.epochs(2)) == []
    assert torch.equal(weight.weight, network.weight)
    again.publish(weights=tmp_path / "weights", last=tmp_path / "last.pt")
    assert {path: path.read_bytes() for path in made} == made

    monkeypatch.setattr(training, "code", lambda: "other")
    edited, _ = counter(fabric, tmp_path)
    assert list(edited.epochs(2)) == [0, 1]
    kept = sorted(path.name for path in (tmp_path / ".resume/other settings/finished before").iterdir())
    assert kept == ["finished", "state.pt", "training.csv", "weights"]
    assert all(path.read_bytes() == content for path, content in made.items())


def test_a_damaged_state_is_named(fabric, data, tmp_path):
    run, network = counter(fabric, tmp_path)
    finish(run, network, data)
    state = tmp_path / ".resume/state.pt"
    state.write_bytes(state.read_bytes()[:500])
    with pytest.raises(InputError, match=r"state\.pt is damaged .* delete it"):
        counter(fabric, tmp_path)


def test_another_identity_starts_afresh(fabric, data, tmp_path, caplog):
    run, network = counter(fabric, tmp_path)
    for batch in run.batches(data, seed=1):
        step(run, network, batch)
    run.end_epoch({"phase": "training", **run.means()}, keep=["network"])
    same, _ = counter(fabric, tmp_path)
    assert same.epoch == 1
    training.logger.propagate = True
    with caplog.at_level("INFO"):
        other, _ = counter(fabric, tmp_path, identity="other")
    assert (other.epoch, other.rows) == (0, [])
    assert "starting afresh" in caplog.text
    assert not list((tmp_path / ".resume").glob("*.pt")) + list((tmp_path / ".resume/weights").glob("*"))
    for batch in other.batches(data, seed=1):
        step(other, network, batch)
    other.end_epoch({"phase": "training", **other.means()}, keep=["network"])
    back, _ = counter(fabric, tmp_path)
    assert (back.epoch, back.rows) == (1, same.rows), "the old settings resume"
    assert len(list((tmp_path / ".resume/weights").glob("*"))) == 1
    there, _ = counter(fabric, tmp_path, identity="other")
    assert there.rows == other.rows
    finish(there, network, data)
    there.publish(weights=tmp_path / "weights")
    assert not (tmp_path / ".resume/other settings").exists()


def test_signals_are_caught_during_a_run_only(tmp_path):
    def train(fabric):
        os.kill(os.getpid(), signal.SIGUSR1)
        (tmp_path / "caught").write_text(json.dumps(launching.stopped_by))

    before = signal.getsignal(signal.SIGUSR1)
    launch(CPU, train)
    assert json.loads((tmp_path / "caught").read_text()) == [signal.SIGUSR1]
    assert signal.getsignal(signal.SIGUSR1) == before


def test_a_missing_gpu_is_named():
    if torch.cuda.is_available():
        pytest.skip("a GPU is visible")
    with pytest.raises(InputError, match=r"training.device is gpu, but no GPU is visible"):
        fabric_of(dataclasses.replace(CPU, device="gpu"))


@pytest.mark.parametrize(("precision", "dtype"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)])
@pytest.mark.parametrize("chosen", [fabric_of, devices.one_device])
def test_precision_on_a_cpu(chosen, precision, dtype, monkeypatch):
    monkeypatch.setattr(devices, "cpu_has_bfloat16", lambda: True)
    device = chosen(dataclasses.replace(CPU, precision=precision))
    assert device.device == torch.device("cpu")
    with device.autocast():
        assert torch.ones(2, 2).mm(torch.ones(2, 2)).dtype == dtype
    assert torch.get_num_threads() == 1


def test_bfloat16_is_not_emulated(monkeypatch):
    monkeypatch.setattr(devices, "cpu_has_bfloat16", lambda: False)
    with pytest.raises(InputError, match=r"training.precision is bf16-mixed.*expected 32-true"):
        fabric_of(dataclasses.replace(CPU, precision="bf16-mixed"))
