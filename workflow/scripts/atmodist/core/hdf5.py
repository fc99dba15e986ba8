"""HDF5 files that say when they are damaged.

HDF5 checks its own metadata, and with ``fletcher32`` the chunks of a dataset. It does not check text of
variable length, links to other files and datasets that are not in chunks: a seal is a SHA-256 over all that.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.files import replacing, require_file
from atmodist.core.patient import patient
from atmodist.core.shortage import UNREADABLE, is_shortage

CHECKED_METADATA = ("v110", "v110")  # HDF5's format since 1.10: its metadata carry checksums
SEAL = "content_sha256"
REFERENCES = {"DIMENSION_LIST", "REFERENCE_LIST"}  # addresses in the file, which nothing here follows
BLOCK_BYTES = 2**26


@contextmanager
def creating(path: str | Path) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """A new file at ``path``, whole or not at all; and what raises if a write has failed so far.

    Call that after every large write, see `core.patient`.
    """
    with (
        replacing(path) as partial,
        patient(partial) as (disk, check),
        h5py.File(disk, "w", libver=CHECKED_METADATA) as file,
    ):
        yield file, check


def seal(file: h5py.File, chunked: Sequence[str] = ()) -> None:
    """Give a finished file its seal, but for the values of ``chunked`` datasets: their chunks have theirs."""
    file.attrs[SEAL] = np.bytes_(_digest(file, chunked))


def check_seal(file: h5py.File, path: str | Path, chunked: Sequence[str] = ()) -> str:
    """The seal of an open file; ``InputError`` if it has none, or was damaged or edited since it got it."""
    if SEAL not in file.attrs:
        raise InputError(f"{path} carries no checksum; expected a file of this workflow's present version")
    found = file.attrs[SEAL].decode()
    if found != _digest(file, chunked):
        raise InputError(f"{path} is damaged: its content is not that of its checksum")
    return found


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn what HDF5 says about a missing, foreign or damaged file at ``path`` into an ``InputError``."""
    try:
        require_file(path)
        yield
    except InputError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        if is_shortage(error):
            raise InputError(f"{path} {UNREADABLE} ({reason})") from error
        raise InputError(
            f"{path} cannot be read ({reason}); expected a whole HDF5 file of this workflow."
        ) from error


def _digest(file: h5py.File, chunked: Sequence[str]) -> str:
    sha, names = hashlib.sha256(), []
    file.visit(names.append)
    for name in ["/", *sorted(names)]:
        item = file[name]
        for key in sorted(item.attrs):
            if key not in REFERENCES and key != SEAL:
                _add(sha, (name, key), item.attrs[key])
        if isinstance(item, h5py.Dataset):
            _add(sha, (name, "shape"), np.array(item.shape, np.int64))
            _add(sha, (name, "dtype"), str(item.dtype))
            if item.is_virtual:
                _add(sha, (name, "sources"), [str(source) for source in _sources(item)])
            elif name not in chunked:
                for number, values in enumerate(_blocks(item)):
                    _add(sha, (name, "values", number), values)
    return sha.hexdigest()


def _add(sha: Any, where: tuple, value: Any) -> None:
    array = np.asarray(value)
    sha.update(repr((where, array.shape, array.dtype.kind)).encode())
    sha.update(repr(array.tolist()).encode() if array.dtype.kind in "OUV" else array.tobytes())


def _sources(data: h5py.Dataset) -> Iterable[tuple]:
    return ((s.vspace.get_select_bounds(), s.file_name, s.dset_name) for s in data.virtual_sources())


def _blocks(data: h5py.Dataset) -> Iterator[np.ndarray]:
    """The values, some rows at a time."""
    if not data.shape:
        yield data[()]
        return
    size = max(data.nbytes // max(len(data), 1), 1)
    rows = max(BLOCK_BYTES // size, 1)
    for first in range(0, len(data), rows):
        yield data[first : first + rows]
