"""From shards to batches of tensors, in an order that the seed and the epoch alone decide.

Samples are numbered through all shards. A dataset maps an array of numbers to a batch, ``order`` cuts an
epoch into such arrays and ``loader`` puts the two together, so a training run resumes at any batch of any
epoch:

    samples = SampleFiles(paths, patch=160, variables=["divergence", "vorticity"])
    data = PairBatches(samples, batch_size=128, classes=23)
    for first, second, label in loader(data, epoch=3, seed=2021, start=1700): ...
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from atmodist.core.errors import InputError
from atmodist.core.job import signals_blocked
from atmodist.core.seeds import random_stream
from atmodist.samples.shards import PAIRS, PATCHES, Shard

MEMORY = 2 * 2**30


@dataclass(frozen=True)
class SampleFiles:
    """Shards of samples: their paths, the edge of a patch in pixels, the variables in their order."""

    paths: Sequence[str | Path]
    patch: int
    variables: Sequence[str]


class Batches(Dataset):
    """Map-style dataset whose items are batches, addressed by arrays of sample numbers.

    Shards of together at most ``memory`` bytes are read into memory at once, larger ones sample by sample.
    ``numbers`` are the samples in use: all of them or, with ``batches``, as many as fill the first
    ``batches`` batches: the same for every epoch, and for every model that uses as many.
    """

    names: Sequence[str]

    def __init__(
        self, samples: SampleFiles, batch_size: int, batches: int | None = None, memory: int = MEMORY
    ):
        paths, patch, variables = samples.paths, samples.patch, samples.variables
        self.shards = [Shard(path, self.names, patch, variables) for path in paths]
        self.batch_size = batch_size
        self.ends = np.cumsum([shard.count for shard in self.shards])
        self.numbers = self._eligible()
        if batches is not None:
            self.numbers = self.first(batches).numbers
        size = sum(shard.count * int(np.prod(shard.shape)) * shard.dtype.itemsize for shard in self.shards)
        self._memory = None
        if size * len(self.names) <= memory:
            parts = [shard.read_all() for shard in self.shards]
            self._memory = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def _eligible(self) -> np.ndarray:
        return np.arange(self.ends[-1])

    @property
    def in_memory(self) -> bool:
        """Whether reading a batch touches no file."""
        return self._memory is not None

    def first(self, batches: int) -> "Batches":
        """The same data, cut to the samples of the first ``batches`` batches."""
        size = batches * self.batch_size
        if len(self.numbers) < size:
            raise InputError(
                f"{self.shards[0].path} and its {len(self.shards) - 1} neighbours hold {len(self.numbers)} "
                f"samples; expected at least {batches} batches of {self.batch_size}."
            )
        part = copy.copy(self)
        part.numbers = self.numbers[:size]
        return part

    def spread(self, batches: int | None) -> "Batches":
        """The same data, cut to the samples of ``batches`` batches, spread evenly over all shards.

        All samples, if there are no more or ``batches`` is None.
        """
        count = len(self.numbers)
        size = min((batches or count) * self.batch_size, count)
        part = copy.copy(self)
        part.numbers = self.numbers[np.arange(size) * count // size]
        return part

    def __len__(self) -> int:
        """Full batches in an epoch."""
        return len(self.numbers) // self.batch_size

    def order(self, epoch: int, seed: int) -> np.ndarray:
        """Sample numbers (batches, batch size) of an epoch: shards permuted, samples permuted inside a shard.

        A last batch that is not full is left out.
        """
        stream = random_stream(seed, "batches", epoch)
        parts = np.split(self.numbers, np.searchsorted(self.numbers, self.ends[:-1]))
        mixed = [stream.permutation(parts[shard]) for shard in stream.permutation(len(parts))]
        return np.concatenate(mixed)[: len(self) * self.batch_size].reshape(len(self), self.batch_size)

    def all_in_order(self) -> list[np.ndarray]:
        """Sample numbers of every batch of an evaluation: each sample once, in the order of the shards."""
        return np.split(self.numbers, np.arange(self.batch_size, len(self.numbers), self.batch_size))

    def __getitem__(self, numbers: np.ndarray) -> tuple[torch.Tensor, ...]:
        """Samples ``numbers``: a tensor (sample, variable, row, column) a name, dtype as on disk."""
        if self.in_memory:
            return tuple(torch.from_numpy(array[numbers]) for array in self._memory)
        batch = [np.empty((len(numbers), *self.shards[0].shape), self.shards[0].dtype) for _ in self.names]
        owner = np.searchsorted(self.ends, numbers, side="right")
        for index in np.unique(owner):
            shard, here = self.shards[index], owner == index
            for array, samples in zip(
                batch, shard.read(numbers[here] - self.ends[index] + shard.count), strict=True
            ):
                array[here] = samples
        return tuple(map(torch.from_numpy, batch))


class PairBatches(Batches):
    """Batches of pairs ``(first, second, label)`` with label = lag − 1, of the pairs with lag ≤ ``classes``.

    Without ``classes``, pairs of every lag.
    """

    names = PAIRS

    def __init__(self, *args, classes: int | None = None, **settings):
        self.classes = classes
        super().__init__(*args, **settings)

    def _eligible(self) -> np.ndarray:
        self.lag = np.concatenate([shard.lag for shard in self.shards]).astype(np.int64)
        return np.flatnonzero(self.lag <= (self.classes or self.lag.max()))

    def __getitem__(self, numbers: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """First and second patches (sample, variable, row, column) and labels (sample,) as int64."""
        return *super().__getitem__(numbers), torch.from_numpy(self.lag[numbers] - 1)


class PatchBatches(Batches):
    """Batches of high-resolution patches (sample, variable, row, column)."""

    names = PATCHES

    def __getitem__(self, numbers: np.ndarray) -> torch.Tensor:
        """Patches (sample, variable, row, column)."""
        return super().__getitem__(numbers)[0]


class _Loader(DataLoader):
    """A loader whose processes never see Slurm's signals, which reach all processes of a job.

    A training run needs them until its state is saved. Where one of them fails, they are ended here: Python
    would wait for ever for processes that do not see its SIGTERM.
    """

    def __iter__(self):
        with signals_blocked():
            batches = super().__iter__()  # starts its processes
        try:
            yield from batches
        except InputError as error:
            if not self.num_workers:
                raise
            sentence = str(error).strip().splitlines()[-1].partition(": ")[2]  # of another's traceback
            raise InputError(sentence) from None
        finally:
            if self.num_workers:
                batches._shutdown_workers()


def loader(
    dataset: Batches,
    epoch: int | None = None,
    seed: int = 0,
    start: int = 0,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    pinned: bool = False,
) -> DataLoader:
    """Batches of an epoch from number ``start`` on; with ``epoch`` None every sample once, to evaluate.

    Neither ``workers`` (processes that read ahead) nor ``start`` changes a batch. Of several processes, each
    gets its share of every batch, which ``world_size`` must divide. ``pinned`` is for those that go to a GPU.
    """
    if epoch is None:
        order = dataset.all_in_order()
    else:
        if dataset.batch_size % world_size:
            raise InputError(
                f"batch_size is {dataset.batch_size}; expected a multiple of {world_size} devices."
            )
        order = dataset.order(epoch, seed)
    return _Loader(
        dataset,
        batch_size=None,
        sampler=[numbers[rank::world_size] for numbers in order[start:]],
        num_workers=workers,
        # Started any other way, they would run the script again, which has no main guard.
        multiprocessing_context="fork" if workers else None,
        pin_memory=pinned,
    )
