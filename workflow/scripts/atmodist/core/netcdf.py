"""NetCDF files that end with their own SHA-256.

HDF5, which is inside, passes over what follows its end; what comes before is compared first, because HDF5 may
search for ever in damaged metadata.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any

import xarray as xr

from atmodist.core.errors import InputError
from atmodist.core.files import replacing, require_file, sha256
from atmodist.core.patient import patient

LABEL = b"\nsha256 "
LENGTH = len(LABEL) + 64


def write(path: str | Path, content: xr.Dataset | xr.DataTree, **settings: Any) -> None:
    """Write NetCDF-4, whole or not at all; ``settings`` are those of xarray's ``to_netcdf``.

    Its bytes are made in memory, or HDF5 would meet a full disk, see `core.patient`.
    """
    made = content.to_netcdf(None, engine="h5netcdf", **settings)
    with replacing(path) as partial, open(partial, "wb") as stream:
        stream.write(made)
        stream.write(LABEL + hashlib.sha256(made).hexdigest().encode())


@contextmanager
def creating(path: str | Path) -> Iterator[tuple[RawIOBase, Callable[[], None]]]:
    """What HDF5 is to write NetCDF-4 to in parts, whole or not at all; and what raises if a write has failed.

    Call that after every large write, see `core.patient`.
    """
    with replacing(path) as partial:
        with patient(partial) as written:
            yield written
        checksum = sha256(partial)
        with open(partial, "ab") as stream:
            stream.write(LABEL + checksum.encode())


def read(path: str | Path) -> xr.Dataset:
    """What `write` wrote, in memory; ``InputError`` if it is damaged."""
    _check(path)
    return xr.load_dataset(path, engine="h5netcdf")


def open_lazily(path: str | Path) -> xr.Dataset:
    """What `write` wrote, to be read in parts; it is checked as a whole here. Close it, or use ``with``."""
    _check(path)
    return xr.open_dataset(path, engine="h5netcdf")


def open_tree(path: str | Path) -> xr.DataTree:
    """The groups that `write` wrote; ``InputError`` if the file is damaged."""
    _check(path)
    return xr.open_datatree(path, engine="h5netcdf")


def _check(path: str | Path) -> None:
    require_file(path)
    left, sha = Path(path).stat().st_size - LENGTH, hashlib.sha256()
    with open(path, "rb") as stream:
        while left > 0 and (block := stream.read(min(left, 2**20))):
            sha.update(block)
            left -= len(block)
        last = stream.read()
    if not last.startswith(LABEL):
        raise InputError(f"{path} ends without a checksum; expected a whole NetCDF file of this workflow")
    if last != LABEL + sha.hexdigest().encode():
        raise InputError(f"{path} is damaged or was edited: its content is not that of its checksum")
