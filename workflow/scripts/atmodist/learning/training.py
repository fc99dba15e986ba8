"""What every training run shares: epochs and batches, the table of epochs, and how it stops and resumes.

A training run is a plain loop; a ``TrainingRun`` feeds it, counts for it and saves its state:

    training = TrainingRun(fabric, job, parts={"network": network, "optimiser": optimiser}, unit="pairs")
    for epoch in training.epochs(60):
        for batch in training.batches(data, seed):
            …                                                    # one step
            training.record(len(batch), loss=loss)
        training.end_epoch({"phase": "training", **training.means()}, keep=["network"])
    training.publish(weights=job.weights)

The state is saved at the end of every epoch, every few minutes, and after the step during which SIGTERM,
SIGUSR1 or SIGINT (Ctrl-C) came. A batch is a function of seed and epoch, and no step draws random numbers, so
on a CPU a run that was stopped, however it was stopped, ends with the same bits as one that was not.
"""

import math
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from lightning_fabric import Fabric
from torch import Tensor

from atmodist.core.errors import InputError
from atmodist.core.job import logger, progress
from atmodist.learning.checkpoint import Checkpoint, code, identity
from atmodist.learning.devices import Hardware
from atmodist.learning.events import Events
from atmodist.learning.launching import stopped_by
from atmodist.learning.means import Means
from atmodist.learning.saved import is_finite
from atmodist.samples.batches import Batches, SampleFiles, loader

SHOWN_SECONDS = 5  # between two updates of the progress bar
EVENT_SECONDS = 30  # between two lots of a running epoch's values for TensorBoard


@dataclass(frozen=True)
class TrainingJob:
    """What a training run is made from and what it makes, whatever it trains.

    ``log`` is the table, one row per epoch; ``weights`` the folder of every epoch's weights or the file of
    the last; a state of another ``identity`` (see `checkpoint.identity`) is set aside.
    """

    samples: SampleFiles
    log: str | Path
    weights: str | Path
    identity: str
    seed: int
    hardware: Hardware

    @classmethod
    def of(cls, snakemake: Any, samples: Sequence[str], weights: str) -> Self:
        """The training run of a rule, with ``patch``, ``variables`` and ``seed`` among its parameters.

        ``snakemake`` is what the rule's script is given, ``samples`` are its shards.
        """
        params = snakemake.params
        return cls(
            samples=SampleFiles(samples, params.patch, params.variables),
            log=snakemake.output.log,
            weights=weights,
            identity=identity(snakemake.input, dict(params.items())),
            seed=params.seed,
            hardware=Hardware(**snakemake.config["training"]),
        )


class TrainingRun:
    """Position, table and state of a training run.

    ``parts`` are the objects whose ``state_dict`` is the state, ``unit`` is the plural of a sample. Values
    that are recorded are means over a batch's samples and become means over an epoch's. They can be watched
    in ``.resume/training.csv`` and, over the number of batches, in the folder ``tensorboard``, which twice a
    minute gets the first device's means since the last time.
    """

    def __init__(self, fabric: Fabric, job: TrainingJob, parts: dict[str, Any], unit: str):
        self.fabric, self.identity, self.parts, self.unit = fabric, job.identity, parts, unit
        self.checkpoint = Checkpoint(job.log)
        self.code = code()  # of the beginning, also where it is edited before the end
        self.epoch = self.batch = self.step = 0
        self.rows: list[dict[str, Any]] = []
        self.sums = Means(fabric)
        self.seconds = 0.0
        self._checkpoints = Every(60 * job.hardware.checkpoint_minutes)
        self._load()
        folder = Path(job.log).parent / "tensorboard"
        self.events = Events(folder, self.step) if fabric.is_global_zero else None

    def epochs(self, count: int) -> Iterator[int]:
        """Numbers of the epochs still to do, from 0."""
        return iter(range(self.epoch, count))

    def batches(self, dataset: Batches, seed: int) -> Iterator[Any]:
        """Batches of the epoch still to do, as the dataset gives them; the state is saved between them."""
        share = {"rank": self.fabric.global_rank, "world_size": self.fabric.world_size}
        share["pinned"] = self.fabric.device.type == "cuda"
        workers = 0 if dataset.in_memory else max(1, torch.get_num_threads() - 1)
        batches = loader(dataset, self.epoch, seed, start=self.batch, workers=workers, **share)
        bar = progress(batches, f"epoch {self.epoch + 1}, batches {self.batch + 1}-{len(dataset)}")
        started, seconds, first = time.monotonic(), self.seconds, self.batch
        shown, written = Every(SHOWN_SECONDS), Every(EVENT_SECONDS)
        self._written = dict(self.sums.sums)
        for batch in bar:
            yield batch
            self.batch += 1
            self.step += 1
            elapsed = time.monotonic() - started
            self.seconds = seconds + elapsed
            if shown.is_due():
                rate = (self.batch - first) * dataset.batch_size / elapsed
                loss = self.sums.mean("loss")
                bar.set_postfix_str(f"loss {loss:.4f}, {rate:.0f} {self.unit}/s", refresh=False)
            if written.is_due():
                self._write_events("batches", self.sums.since(self._written).result())
                self._written = dict(self.sums.sums)
            self._save_if_due()

    def record(self, count: int, **values: Tensor | float) -> None:
        """Add a batch of ``count`` samples with these mean values."""
        self.sums.add(count, **values)

    def means(self) -> dict[str, float]:
        """Mean values over the samples of the epoch, of all devices together."""
        self.sums.gather()
        means = self.sums.result()
        if not all(map(math.isfinite, means.values())):
            raise InputError(
                f"the training diverged in epoch {self.epoch + 1} ({means}); a lower learning rate may help."
            )
        return means

    def end_epoch(self, row: dict[str, Any], keep: list[str]) -> None:
        """Add ``row`` to the table, keep the weights of the networks ``keep``, and save the state."""
        self._check_finite()
        self.epoch += 1
        self.rows.append({"epoch": self.epoch, **row, "seconds": round(self.seconds, 2)})
        if self.fabric.is_global_zero:
            self.checkpoint.keep(
                self.epoch, {name: self.parts[name].state_dict() for name in keep}, self.rows
            )
            numbers = (f"{k.replace('_', ' ')} {v:.4g}" for k, v in row.items() if isinstance(v, float))
            speed = f"{self.sums.samples / self.seconds:.0f} {self.unit}/s"
            logger.info("epoch %d, %s: %s; %s", self.epoch, row["phase"], ", ".join(numbers), speed)
        numbers = {name: value for name, value in self.rows[-1].items() if name not in ("epoch", "phase")}
        self._write_events("epochs", numbers)
        self.batch, self.sums, self.seconds = 0, Means(self.fabric), 0.0
        self._save()
        self._leave_if(*self._any(stopped_by))

    def publish(self, weights: str | Path | None = None, last: str | Path | None = None) -> None:
        """Write the folder of all ``weights`` or the ``last`` ones, then the log; see `Checkpoint`."""
        if self.fabric.is_global_zero:
            self.checkpoint.publish(self.code, weights, last)
            self.events.close()

    def _write_events(self, kind, values):
        if self.events:
            self.events.write(kind, values, self.step)

    def _any(self, *conditions):
        """Of each condition, whether it holds on any device."""
        flags = list(map(bool, conditions))
        if self.fabric.world_size == 1:
            return flags
        counts = torch.tensor(flags, dtype=torch.float32, device=self.fabric.device)
        return (self.fabric.all_reduce(counts, reduce_op="sum") > 0).tolist()

    def _save_if_due(self):
        stopped, due = self._any(stopped_by, self._checkpoints.is_due())
        if stopped or due:
            self._check_finite()
            self.sums.gather()
            self._save()
            self.sums.leave_to_first()
            self._written = dict(self.sums.sums)
            if stopped:
                self.fabric.barrier()  # whoever left before the first has saved would have it killed
            self._leave_if(stopped)

    def _check_finite(self):
        """Fail before a state that is of no use takes the place of the last good one."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        for name, state in {**states, "losses": self.sums.sums}.items():
            if not is_finite(state):
                raise InputError(
                    f"the training diverged in epoch {self.epoch + 1}: after batch {self.batch}, {name} "
                    "holds numbers that are not finite. The state before that is kept; "
                    "a lower learning rate may help."
                )

    def _save(self):
        if self.fabric.is_global_zero:
            position = {name: getattr(self, name) for name in ("epoch", "batch", "step", "rows", "seconds")}
            position["sums"] = self.sums.sums
            parts = {name: part.state_dict() for name, part in self.parts.items()}
            if self.events:
                self.events.flush()  # what the state counts as written is on disk
            about = {"identity": self.identity, "code": self.code}
            self.checkpoint.write({**about, "position": position, "parts": parts})
        self._checkpoints.restart()

    def _load(self):
        state = self._state() if self.fabric.is_global_zero else None
        if state := self.fabric.broadcast(state):
            for name, part in self.parts.items():
                part.load_state_dict(state["parts"][name])
            self.code = state.get("code", self.code)
            self.sums = Means(self.fabric, state["position"].pop("sums"))
            vars(self).update(state["position"])
            self.sums.leave_to_first()
            self._say(f"resuming after batch {self.batch} of epoch {self.epoch + 1}")

    def _state(self):
        """The state from which all processes resume, if there is one."""
        self.checkpoint.claim()
        state, other = self.checkpoint.change_to(self.identity)
        if other:
            self._say(
                "settings or inputs have changed since the run was stopped: starting afresh. Until this run "
                f"has ended {other} keeps what there is, from which the old settings would resume"
            )
        if not state or not self.checkpoint.has_finished():
            return state
        if not self.checkpoint.is_of_code(self.code):
            reason = "this training run finished, but was begun with other code"
        elif not self.checkpoint.has_weights_of(state["position"]["epoch"]):
            reason = f"weights in {self.checkpoint.folder} are damaged or missing"
        else:
            self._say(f"finished before: publishing it again. To train anew, delete {self.checkpoint.folder}")
            return state
        kept = self.checkpoint.set_aside()
        self._say(f"{reason}: starting afresh. Until this run has ended {kept} keeps what there was")
        return None

    def _leave_if(self, stopped):
        if stopped:
            number = signal.Signals((stopped_by or [signal.SIGTERM])[0])
            self._say(
                f"stopped by {number.name} after batch {self.batch} of epoch {self.epoch + 1}: the state is "
                "saved, and the same command resumes from there"
            )
            sys.exit(128 + number)

    def _say(self, sentence):
        if self.fabric.is_global_zero:
            logger.info(sentence)


class Every:
    """Something that is due again and again, ``seconds`` after the last time."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Count from now."""
        self.last = time.monotonic()

    def is_due(self) -> bool:
        """Whether it is time; if so, count from now."""
        due = time.monotonic() > self.last + self.seconds
        if due:
            self.restart()
        return due
