"""Samples on disk: a shard's HDF5 file, written in blocks and read whole or sample by sample.

A shard of pairs holds ``/first`` and ``/second``, one of patches holds ``/high``: normalised values
(sample, variable, row, column), each sample a chunk with a checksum. Beside them, a number a sample, lie
``/time`` (hours since 1970-01-01), ``/row`` and ``/column`` of the north-western pixel, ``/north`` ``/south``
``/west`` ``/east`` (degrees, centres of the outermost pixels) and, for pairs, ``/lag`` in time steps.
"""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.hdf5 import check_seal, creating, reading, seal
from atmodist.core.job import progress
from atmodist.data.store import Fields
from atmodist.samples.normalise import Moments
from atmodist.samples.windows import Samples, cut

PAIRS = ("first", "second")
PATCHES = ("high",)
CHUNKED = PAIRS + PATCHES  # datasets whose chunks have checksums
BLOCK_BYTES = 2**26


def write_shard(
    path: str | Path, fields: Fields, samples: Samples, moments: Moments, patch: int, dtype: str = "float16"
) -> None:
    """Cut ``samples`` out of ``fields``, normalise them and write them to ``path`` in their order.

    Blocks of at most 64 MiB are held in memory. ``InputError`` if the moments are of other variables.
    """
    if fields.variables != moments.variables:
        raise InputError(
            f"{fields.path} holds {', '.join(fields.variables)} but the moments are of "
            f"{', '.join(moments.variables)}; compute them from the same data."
        )
    names = PAIRS if samples.lag.any() else PATCHES
    shape = (len(fields.variables), patch, patch)
    size = len(samples.time)
    block = max(1, BLOCK_BYTES // (4 * len(names) * int(np.prod(shape))))
    with creating(path) as (file, check_disk):
        file.attrs["variables"] = list(fields.variables)
        for name in names:
            file.create_dataset(name, (size, *shape), dtype, chunks=(1, *shape), fletcher32=True)
        for name, values in _where_and_when(fields, samples, patch).items():
            file[name] = values
        for start in progress(range(0, size, block), "blocks of samples"):
            part = Samples(*(values[start : start + block] for values in samples))
            windows = np.empty((len(names), len(part.time), *shape), np.float32)
            for position, *cuts in cut(fields, part, patch):
                windows[:, position] = cuts[: len(names)]
            for name, values in zip(names, windows, strict=True):
                file[name][start : start + block] = moments.forward(values, axis=1).astype(dtype)
            check_disk()
        seal(file, CHUNKED)


def _where_and_when(fields, samples, patch):
    """Datasets that say where and when each sample is."""
    time, row, column, lag = samples
    east = (column + patch - 1) % len(fields.longitude)
    described = {
        "time": fields.time[time].astype(np.int64),
        "row": row.astype(np.int32),
        "column": column.astype(np.int32),
        "north": fields.latitude[row],
        "south": fields.latitude[row + patch - 1],
        "west": fields.longitude[column],
        "east": fields.longitude[east],
    }
    return described | ({"lag": lag.astype(np.int32)} if lag.any() else {})


def times_of(paths: Sequence[str | Path]) -> np.ndarray:
    """Time of every sample, of a pair that of its first patch, through all shards: datetime64[h]."""
    times = []
    for path in paths:
        with reading(path), h5py.File(path) as file:
            check_seal(file, path, CHUNKED)
            times.append(file["time"][:].astype("datetime64[h]"))
    return np.concatenate(times)


class Shard:
    """A shard on disk: its ``count`` of samples and their ``shape``, ``dtype`` and, for pairs, ``lag``.

    ``names`` are the datasets that hold samples: ``PAIRS`` or ``PATCHES``. A damaged file, or one of another
    patch size or other variables, raises ``InputError``.
    """

    def __init__(self, path: str | Path, names: Sequence[str], patch: int, variables: Sequence[str]):
        self.path, self.names = path, names
        with reading(path), h5py.File(path) as file:
            check_seal(file, path, CHUNKED)
            found = tuple(file.attrs["variables"])
            data = [file[name] for name in names]
            self.count, self.shape, self.dtype = len(data[0]), data[0].shape[1:], data[0].dtype
            self.lag = file["lag"][:] if "lag" in file else None
        if found != tuple(variables) or self.shape[1:] != (patch, patch):
            raise InputError(
                f"{path} holds patches of {self.shape[2]} × {self.shape[1]} pixels of {', '.join(found)}; "
                f"expected {patch} × {patch} pixels of {', '.join(variables)}."
            )

    def read_all(self) -> tuple[np.ndarray, ...]:
        """All samples, one array (count, variables, patch, patch) a name."""
        with reading(self.path), h5py.File(self.path) as file:
            return tuple(file[name][:] for name in self.names)

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, ...]:
        """The samples ``numbers``, one array a name."""
        arrays = np.empty((len(self.names), len(numbers), *self.shape), self.dtype)
        with reading(self.path), h5py.File(self.path) as file:
            for array, name in zip(arrays, self.names, strict=True):
                data = file[name]
                for sample, number in zip(array, numbers, strict=True):
                    data.read_direct(sample, np.s_[number])
        return tuple(arrays)
