"""What every training shares: epochs and batches, the table of epochs, and going on after a stop.

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
import pickle
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint, replacing
from atmodist.core.job import logger, progress
from atmodist.learning.devices import stopped_by
from atmodist.samples.batches import Batches, loader

EVENT_SECONDS = 30  # between two lots of a running epoch's values for TensorBoard


def identity(inputs: Iterable[str], params: dict[str, Any]) -> str:
    """Fingerprint of a training: its parameters, and name, size and age of its input files."""
    files = [(str(path), os.stat(path)) for path in inputs]
    return fingerprint([params, [(name, state.st_size, state.st_mtime_ns) for name, state in files]])


class Training:
    """Position, table and state of a training, in the folder ``.resume`` beside ``log`` until ``publish``.

    ``parts`` are the objects whose ``state_dict`` is the state; a state of another ``identity`` is discarded.
    Values that are recorded are means over a batch's samples and become means over an epoch's. They can be
    watched in ``.resume/training.csv`` and, over the number of batches, in the folder ``tensorboard``, which
    twice a minute gets the first device's means since the last time.

    The state belongs to the training that was started last. An older one that still runs, because the
    Snakemake that would have ended it was killed, ends with an ``InputError`` before it touches the state.
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
        self.epoch = self.batch = self.step = 0
        self.rows: list[dict[str, Any]] = []
        self.sums: dict[str, Tensor] = {}
        self.seconds = 0.0
        self.saved = time.monotonic()
        self._load()
        self.events = self._open_events()

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
        written, self.told = started, dict(self.sums)
        for batch in bar:
            yield batch
            self.batch += 1
            self.step += 1
            now = time.monotonic()
            self.seconds = seconds + now - started
            if now > shown + 5:
                rate = (self.batch - first) * dataset.batch_size / (now - started)
                loss = _mean(self.sums, "loss")
                bar.set_postfix_str(f"loss {loss:.4f}, {rate:.0f} {self.unit}/s", refresh=False)
                shown = now
            if now > written + EVENT_SECONDS:
                since = {name: value - self.told.get(name, 0) for name, value in self.sums.items()}
                self._write_events("batches", {name: _mean(since, name) for name in _values(since)})
                written, self.told = now, dict(self.sums)
            self._save_if_due()

    def record(self, count: int, **values: Tensor | float) -> None:
        """Add a batch of ``count`` samples with these mean values."""
        for name, value in {**values, "samples": 1.0}.items():
            value = torch.as_tensor(value, device=self.fabric.device).detach().double() * count
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def means(self) -> dict[str, float]:
        """Mean values over the samples of the epoch, of all devices together."""
        self._gather()
        means = {name: _mean(self.sums, name) for name in _values(self.sums)}
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
            self._check_owner()
            with replacing(self._weights(self.epoch)) as partial:
                torch.save({name: self.parts[name].state_dict() for name in keep}, partial)
            with replacing(self.folder / "training.csv") as partial:
                pd.DataFrame(self.rows).to_csv(partial, index=False)
            numbers = (f"{k.replace('_', ' ')} {v:.4g}" for k, v in row.items() if isinstance(v, float))
            speed = f"{samples / self.seconds:.0f} {self.unit}/s"
            logger.info("epoch %d, %s: %s; %s", self.epoch, row["phase"], ", ".join(numbers), speed)
        numbers = {name: value for name, value in self.rows[-1].items() if name not in ("epoch", "phase")}
        self._write_events("epochs", numbers)
        self.batch, self.sums, self.seconds = 0, {}, 0.0
        self._save()
        self._leave_if(self._any(stopped_by))

    def publish(self, weights: str | Path | None = None, last: str | Path | None = None) -> None:
        """Write the folder of all ``weights`` or the ``last`` ones, then the log; remove the state."""
        if not self.fabric.is_global_zero:
            return
        self._check_owner()
        self.events.close()
        if weights:
            with replacing(weights) as partial:
                shutil.copytree(self.folder / "weights", partial, ignore=shutil.ignore_patterns(".*"))
        if last:
            with replacing(last) as partial:
                shutil.copy(self._weights(self.epoch), partial)
        with replacing(self.log) as partial:
            shutil.copy(self.folder / "training.csv", partial)
        (self.folder / "state.pt").unlink()  # first, or a kill would leave a state without its weights
        shutil.rmtree(self.folder)

    def _weights(self, epoch):
        return self.folder / "weights" / f"epoch-{epoch:03d}.pt"

    def _open_events(self):
        """Event files for TensorBoard; what was written after the state was saved is forgotten."""
        if not self.fabric.is_global_zero:
            return None
        folder = Path(self.log).parent / "tensorboard"
        if not self.step:
            shutil.rmtree(folder, ignore_errors=True)
        return SummaryWriter(folder, purge_step=self.step + 1)

    def _write_events(self, kind, values):
        if self.events:
            for name, value in values.items():
                self.events.add_scalar(f"{kind}/{name}", value, self.step)

    def _own(self):
        """Put a mark beside the state."""
        self.mark = secrets.token_hex(8)
        with replacing(self.folder / "owner") as partial:
            partial.write_text(self.mark)

    def _check_owner(self):
        """Leave if another training has put its mark there since."""
        path = self.folder / "owner"
        if not path.exists() or path.read_text() != self.mark:
            raise InputError(
                f"{self.folder} belongs to a training that was started later; this one ends without a trace."
            )

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
        stopped = self._any(stopped_by)
        if stopped or self._any(time.monotonic() > self.saved + self.checkpoint_seconds):
            self._gather()
            self._save()
            self._count_once()
            self.told = dict(self.sums)
            self._leave_if(stopped)

    def _save(self):
        if self.fabric.is_global_zero:
            self._check_owner()
            position = ("epoch", "batch", "step", "rows", "sums", "seconds")
            state = {
                "identity": self.identity,
                "position": {name: getattr(self, name) for name in position},
                "parts": {name: part.state_dict() for name, part in self.parts.items()},
            }
            with replacing(self.folder / "state.pt") as partial:
                torch.save(state, partial)
        self.saved = time.monotonic()

    def _load(self):
        path = self.folder / "state.pt"
        if self.fabric.is_global_zero:
            self._own()
        state = self.fabric.broadcast(self._read(path) if self.fabric.is_global_zero else None)
        if state:
            if state["identity"] == self.identity:
                for name, part in self.parts.items():
                    part.load_state_dict(state["parts"][name])
                vars(self).update(state["position"])
                self.sums = {name: value.to(self.fabric.device) for name, value in self.sums.items()}
                self._count_once()
                self._say(f"going on after batch {self.batch} of epoch {self.epoch + 1}")
                return
            self._say("settings or inputs have changed since the training was stopped: starting afresh")
        self.fabric.barrier()
        if self.fabric.is_global_zero:
            path.unlink(missing_ok=True)
            shutil.rmtree(self.folder / "weights", ignore_errors=True)

    def _read(self, path):
        """The state, if there is one, on the CPU: optimisers move to the device what belongs there."""
        if not path.exists():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(
                f"{path} is damaged ({error}); delete it to train from the start, or put a copy in its place."
            ) from error

    def _leave_if(self, stopped):
        if stopped:
            number = signal.Signals((stopped_by or [signal.SIGTERM])[0])
            self._say(
                f"stopped by {number.name} after batch {self.batch} of epoch {self.epoch + 1}: the state is "
                "saved, and the same command goes on from there"
            )
            sys.exit(128 + number)

    def _say(self, sentence):
        if self.fabric.is_global_zero:
            logger.info(sentence)


def _values(sums):
    """Names of what is recorded."""
    return [name for name in sums if name != "samples"]


def _mean(sums, name):
    return (sums[name] / sums["samples"]).item()
