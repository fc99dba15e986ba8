"""Where memory or open files run out, a whole file is not called damaged, nor is its deletion advised."""

import os
import resource
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import xarray as xr
from fields import hours, write_period
from trainings import write_pairs

from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.core.files import read_json, write_json
from atmodist.core.shortage import UNREADABLE, is_shortage
from atmodist.data import store
from atmodist.data.shallow_water import ShallowWater, State
from atmodist.learning import saved
from atmodist.learning.checkpoint import Checkpoint
from atmodist.samples import shards


def read_shard(path):
    return shards.Shard(path, shards.PAIRS, 32, ["divergence", "vorticity"])


READERS = {
    "grid.h5": (lambda path: write_period(path, hours("2001-01-01", 2)), store.Fields),
    "pairs.h5": (lambda path: write_pairs(path, 4), read_shard),
    "moments.json": (lambda path: write_json(path, {"mean": 1}), read_json),
    "best.pt": (lambda path: saved.save(path, {"network": torch.ones(3)}), saved.load),
    "state.npz": (
        lambda path: ShallowWater(21, seed=0).initial_state(np.datetime64("2001-01-01T00")).save(path),
        State.load,
    ),
}


@contextmanager
def no_more_files():
    """No file can be opened; what is open stays so."""
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("name", READERS)
def test_without_open_files(tmp_path, name):
    write, read = READERS[name]
    path = tmp_path / name
    write(path)
    read(path)
    with no_more_files(), pytest.raises(InputError) as error:
        read(path)
    assert f"{path} {UNREADABLE} (" in str(error.value)
    assert "Too many open files" in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    read(path)


def test_without_open_files_netcdf_says_so_itself(tmp_path):
    netcdf.write(tmp_path / "a.nc", xr.Dataset({"x": ("a", np.arange(3.0))}))
    with no_more_files(), pytest.raises(OSError, match="Too many open files") as error:
        netcdf.read(tmp_path / "a.nc")
    assert error.value.filename == str(tmp_path / "a.nc")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        OSError(12, "Cannot allocate memory"),
        OSError(5, "Input/output error"),
    ],
)
def test_a_state_that_could_not_be_read_is_not_to_be_deleted(tmp_path, monkeypatch, error):
    checkpoint = Checkpoint(tmp_path / "training.csv")
    checkpoint.claim()
    checkpoint.write({"epoch": 3})

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(InputError) as told:
        checkpoint.read()
    assert UNREADABLE in str(told.value)
    assert "delete it" not in str(told.value)
    monkeypatch.undo()
    assert checkpoint.read() == {"epoch": 3}


def test_a_damaged_state_still_has_its_advice(tmp_path):
    checkpoint = Checkpoint(tmp_path / "training.csv")
    checkpoint.claim()
    checkpoint.write({"epoch": 3})
    (tmp_path / ".resume/state.pt").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"is damaged .*; delete it to train from the start"):
        checkpoint.read()


def test_other_errors_are_no_shortage():
    assert not is_shortage(ValueError("5 channels"))
    assert not is_shortage(FileNotFoundError(2, "No such file"))
