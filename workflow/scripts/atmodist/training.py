"""What every training shares: devices, epochs and batches, the table of epochs, and going on after a stop.

A training is a plain loop; a ``Training`` feeds it, counts for it and saves its state:

    training = Training(fabric, log, identity, parts={"network": network, "optimiser": optimiser}, …)
    for epoch in training.epochs(60):
        for batch in training.batches(data, seed):
            …                                                    # one step
            training.record(len(batch), loss=loss)
        training.end_epoch({"phase": "training", **training.means()}, keep=["network"])
    training.publish(weights)

The state is saved at the end of every epoch, every few minutes, and after the step during which SIGTERM or
SIGUSR1 came. A batch is a function of seed and epoch, and no step draws random numbers, so on a CPU a
training that was stopped, however it was stopped, ends with the same bits as one that was not.
"""

import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CUDAAccelerator
from lightning_fabric.plugins.environments import LightningEnvironment
from torch import Tensor
from torch.multiprocessing import ProcessExitedException, active_children

from atmodist.datasets import Batches, loader
from atmodist.errors import InputError
from atmodist.files import fingerprint, replacing
from atmodist.job import logger, progress

_stopped_by: list[int] = []


def device(hardware: dict[str, Any]) -> Fabric:
    """Fabric of the config's section ``training``: a GPU if there is one, unless it says otherwise.

    Precision is a GPU's: on a CPU, sums are in 32 bits and their order depends on ``threads`` alone. Several
    devices are as many processes, forked by ``launch``.
    """
    gpu = CUDAAccelerator.is_available()
    if hardware["device"] == "gpu" and not gpu:
        raise InputError("config key training.device is gpu, but no GPU is visible; expected auto or cpu.")
    gpu = gpu and hardware["device"] != "cpu"
    torch.set_num_threads(hardware["threads"])
    torch.use_deterministic_algorithms(not gpu)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    return Fabric(
        accelerator="cuda" if gpu else "cpu",
        devices=hardware["devices"],
        strategy="ddp_fork" if hardware["devices"] > 1 else "auto",
        plugins=LightningEnvironment(),  # processes are ours, also inside a Slurm job
        precision=hardware["precision"] if gpu else "32-true",
    )


def launch(hardware: dict[str, Any], train: Callable, *arguments, **settings) -> None:
    """Run ``train(fabric, …)`` on all devices; SIGTERM and SIGUSR1 end it after a step, its state saved."""
    fabric = device(hardware)
    _stopped_by.clear()
    previous = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        fabric.launch(_with_threads, hardware["threads"], train, arguments, settings)
    except ProcessExitedException as error:
        sys.exit(error.exit_code)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _with_threads(fabric, threads, train, arguments, settings):
    torch.set_num_threads(threads)  # again, because Lightning sets its own number in forked processes
    train(fabric, *arguments, **settings)


def _stop(number, frame):
    """Remember the signal, and pass it on to the processes of the other devices."""
    _stopped_by.append(number)
    for child in active_children():
        os.kill(child.pid, number)


def identity(inputs: Iterable[str], params: dict[str, Any]) -> str:
    """Fingerprint of a training: its parameters, and name, size and age of its input files."""
    files = [(str(path), os.stat(path)) for path in inputs]
    return fingerprint([params, [(name, state.st_size, state.st_mtime_ns) for name, state in files]])


def to_device(fabric: Fabric, fields: Tensor) -> Tensor:
    """Fields on the device, in 32 bits, channels last."""
    fields = fields.to(fabric.device, non_blocking=True)
    return fields.to(torch.float32, memory_format=torch.channels_last)


def load_weights(path: str | Path) -> dict[str, dict[str, Tensor]]:
    """State dictionaries of the networks of one epoch, by name."""
    return torch.load(path, map_location="cpu", weights_only=True)


class Training:
    """Position, table and state of a training, in the folder ``.resume`` beside ``log`` until ``publish``.

    ``parts`` are the objects whose ``state_dict`` is the state; a state of another ``identity`` is discarded.
    Values that are recorded are means over a batch's samples and become means over an epoch's.
    """

    def __init__(
        self,
        fabric: Fabric,
        log: str | Path,
        identity: str,
        parts: dict[str, Any],
        checkpoint_minutes: float,
        unit: str = "samples",
    ):
        self.fabric, self.identity, self.parts = fabric, identity, parts
        self.log, self.folder = log, Path(log).parent / ".resume"
        self.checkpoint_seconds = 60 * checkpoint_minutes
        self.unit = unit
        self.epoch = self.batch = 0
        self.rows: list[dict[str, Any]] = []
        self.sums: dict[str, Tensor] = {}
        self.seconds = 0.0
        self.saved = time.monotonic()
        self._load()

    def epochs(self, count: int) -> Iterator[int]:
        """Numbers of the epochs still to do, from 0."""
        return iter(range(self.epoch, count))

    def batches(self, dataset: Batches, seed: int) -> Iterator[Any]:
        """Batches of the epoch still to do, as the dataset gives them; the state is saved between them."""
        fabric = self.fabric
        share = {"rank": fabric.global_rank, "world_size": fabric.world_size}
        workers = 0 if dataset.in_memory else max(1, torch.get_num_threads() - 1)
        batches = loader(dataset, self.epoch, seed, start=self.batch, workers=workers, **share)
        started, seconds = time.monotonic(), self.seconds
        bar = progress(batches, f"epoch {self.epoch + 1}, batches {self.batch + 1}-{len(dataset)}")
        shown, first = started, self.batch
        for batch in bar:
            yield batch
            self.batch += 1
            now = time.monotonic()
            self.seconds = seconds + now - started
            if now > shown + 5:
                rate = (self.batch - first) * dataset.batch_size / (now - started)
                bar.set_postfix_str(f"loss {self._mean('loss'):.4f}, {rate:.0f} {self.unit}/s", refresh=False)
                shown = now
            self._save_if_due()

    def record(self, count: int, **values: Tensor | float) -> None:
        """Add a batch of ``count`` samples with these mean values."""
        for name, value in {**values, "samples": 1.0}.items():
            value = torch.as_tensor(value, device=self.fabric.device).detach().double() * count
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def means(self) -> dict[str, float]:
        """Mean values over the samples of the epoch, of all devices together."""
        self._gather()
        means = {name: self._mean(name) for name in self.sums if name != "samples"}
        if not all(map(math.isfinite, means.values())):
            raise InputError(
                f"the training diverged in epoch {self.epoch + 1} ({means}); a lower learning rate may help."
            )
        return means

    def end_epoch(self, row: dict[str, Any], keep: list[str]) -> None:
        """Add ``row`` to the table, keep the weights of the networks ``keep``, and save the state."""
        self.epoch += 1
        samples = self.sums["samples"].item()
        self.rows.append({"epoch": self.epoch, **row, "seconds": round(self.seconds, 2)})
        if self.fabric.is_global_zero:
            with replacing(self._weights(self.epoch)) as partial:
                torch.save({name: self.parts[name].state_dict() for name in keep}, partial)
            numbers = (f"{k.replace('_', ' ')} {v:.4g}" for k, v in row.items() if isinstance(v, float))
            speed = f"{samples / self.seconds:.0f} {self.unit}/s"
            logger.info("epoch %d, %s: %s; %s", self.epoch, row["phase"], ", ".join(numbers), speed)
        self.batch, self.sums, self.seconds = 0, {}, 0.0
        self._save()
        self._leave_if(self._any(_stopped_by))

    def publish(self, weights: str | Path | None = None, last: str | Path | None = None) -> None:
        """Write the folder of all ``weights`` or the ``last`` ones, then the log; remove the state."""
        if not self.fabric.is_global_zero:
            return
        if weights:
            with replacing(weights) as partial:
                shutil.copytree(self.folder / "weights", partial, ignore=shutil.ignore_patterns(".*"))
        if last:
            with replacing(last) as partial:
                shutil.copy(self._weights(self.epoch), partial)
        with replacing(self.log) as partial:
            pd.DataFrame(self.rows).to_csv(partial, index=False)
        shutil.rmtree(self.folder)

    def _weights(self, epoch):
        return self.folder / "weights" / f"epoch-{epoch:03d}.pt"

    def _mean(self, name):
        return (self.sums[name] / self.sums["samples"]).item()

    def _any(self, condition):
        """Whether the condition holds on any device."""
        if self.fabric.world_size == 1:
            return bool(condition)
        flag = torch.tensor(float(bool(condition)), device=self.fabric.device)
        return bool(self.fabric.all_reduce(flag, reduce_op="sum"))

    def _gather(self):
        """Sum over the devices."""
        if self.fabric.world_size > 1:
            self.sums = self.fabric.all_reduce(self.sums, reduce_op="sum")

    def _count_once(self):
        """Leave the gathered sums to the first process."""
        if not self.fabric.is_global_zero:
            self.sums = {name: torch.zeros_like(value) for name, value in self.sums.items()}

    def _save_if_due(self):
        stopped = self._any(_stopped_by)
        if stopped or self._any(time.monotonic() > self.saved + self.checkpoint_seconds):
            self._gather()
            self._save()
            self._count_once()
            self._leave_if(stopped)

    def _save(self):
        if self.fabric.is_global_zero:
            state = {
                "identity": self.identity,
                "position": {
                    name: getattr(self, name) for name in ("epoch", "batch", "rows", "sums", "seconds")
                },
                "parts": {name: part.state_dict() for name, part in self.parts.items()},
            }
            with replacing(self.folder / "state.pt") as partial:
                torch.save(state, partial)
        self.saved = time.monotonic()

    def _load(self):
        path = self.folder / "state.pt"
        if path.exists():
            state = torch.load(path, map_location=self.fabric.device, weights_only=True)
            if state["identity"] == self.identity:
                for name, part in self.parts.items():
                    part.load_state_dict(state["parts"][name])
                vars(self).update(state["position"])
                self._count_once()
                self._say(f"going on after batch {self.batch} of epoch {self.epoch + 1}")
                return
            self._say("settings or inputs have changed since the training was stopped: starting afresh")
        self.fabric.barrier()
        if self.fabric.is_global_zero:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _leave_if(self, stopped):
        if stopped:
            number = signal.Signals((_stopped_by or [signal.SIGTERM])[0])
            self._say(
                f"stopped by {number.name} after batch {self.batch} of epoch {self.epoch + 1}: the state is "
                "saved, and the same command goes on from there"
            )
            sys.exit(128 + number)

    def _say(self, sentence):
        if self.fabric.is_global_zero:
            logger.info(sentence)
