"""Damage to every kind of file: what is read is right, or one sentence names the file."""

import json
import os
import pickle
from pathlib import Path

import h5py
import models
import netCDF4
import numpy as np
import pytest
import torch
import xarray as xr
from fields import VARIABLES

from atmodist import model_folder
from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.core.files import read_json, verify, write_checksum, write_json
from atmodist.data import grib, spectral, store
from atmodist.data.shallow_water import ShallowWater, State
from atmodist.learning import saved
from atmodist.samples import shards
from atmodist.samples.normalise import Moments
from atmodist.samples.windows import Samples

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
MOMENTS = Moments(VARIABLES, (0, 1e-6), (3e-5, 5e-5), (0.1, 0), (0.4, 0.5), 0.2, 10, "2001-01-01T00", "2001")
LATITUDE, LONGITUDE = spectral.latitudes(31), spectral.longitudes(31)


def hours(start, count):
    return np.datetime64(start, "h") + np.arange(count) * np.timedelta64(6, "h")


def write_grid(path, seed=0, start="2001-01-01T00"):
    stream, times = np.random.default_rng(seed), hours(start, 4)
    grids = (
        (variable, time, stream.normal(size=(64, 128)).astype(np.float32))
        for variable in VARIABLES
        for time in times
    )
    store.write_fields(path, VARIABLES, times, LATITUDE, LONGITUDE, grids, (32, 64), 12, {"model_level": 120})


def write_virtual(path, seed=0):
    parts = [path.with_name(f"{number}.h5") for number in range(2)]
    for number, part in enumerate(parts):
        write_grid(part, seed + number, f"2001-01-0{1 + number}T00")
    store.write_virtual(path, parts)


def read_grid(path):
    fields = store.Fields(path)
    values = [fields.read(time) for time in range(fields.shape[1])]
    about = {name: str(value) for name, value in fields.attributes.items()}
    return [fields.variables, fields.units, about, fields.time, fields.latitude, fields.longitude, *values]


def write_pairs(path, seed=0):
    write_grid(path.with_name("fields.h5"), seed)
    stream = np.random.default_rng(seed)
    where = [stream.integers(0, high, 12) for high in (2, 16, 128, 2)]
    samples = Samples(*where[:3], where[3] + 1)
    shards.write_shard(path, store.Fields(path.with_name("fields.h5")), samples, MOMENTS, 32)


def read_pairs(path):
    shard = shards.Shard(path, shards.PAIRS, 32, VARIABLES)
    return [shard.lag, shards.times_of([path]), *shard.read_all(), *shard.read(np.arange(shard.count))]


def write_results(path, seed=0):
    values = np.random.default_rng(seed).normal(size=(3, 20))
    netcdf.write(
        path,
        xr.Dataset(
            {"energy": (("system", "degree"), values, {"units": "m2 s-2"}), "count": 7 + seed},
            {"system": ["truth", "bilinear", "l2"], "degree": np.arange(20)},
            {"level": 120},
        ),
    )


def read_results(path):
    data = netcdf.read(path)
    return [data.to_dict(), data["energy"].values]


def write_weights(path, seed=0):
    torch.manual_seed(seed)
    network = models.network(models.config())
    saved.save_network(path, network, settings={"stages": [4]}, epoch=3 + seed)


def read_weights(path):
    content = saved.load(path)
    return [content["settings"], content["epoch"], *(value.numpy() for value in content["network"].values())]


def write_coefficients(path, seed=0):
    packed = np.random.default_rng(seed).normal(size=(253, 2)).view(complex)[:, 0] * 1e-5
    packed[:22].imag = 0
    grib.write_fields(path, [grib.Field("vorticity", time, 120, packed) for time in hours("2001-01-01", 4)])
    if not path.with_suffix(".sha256").exists():  # another run's file comes with its neighbour's checksum
        write_checksum(path, path.with_suffix(".sha256"))


def read_coefficients(path):
    verify(path, path.with_suffix(".sha256"))
    return [(str(field.time), field.level, field.coefficients) for field in grib.read_fields(path)]


def write_state(path, seed=0):
    model = ShallowWater(21, seed=seed)
    model.initial_state(np.datetime64("2001-01-01T00")).save(path)


def read_state(path):
    state = State.load(path)
    return [state.step, state.now, state.before, state.noise]


def test_other_programs_read_what_ends_with_a_checksum(tmp_path):
    write_results(tmp_path / "results.nc")
    with netCDF4.Dataset(tmp_path / "results.nc") as file:
        assert np.array_equal(file["energy"][:], read_results(tmp_path / "results.nc")[1])


def write_model(path, seed=0):
    torch.manual_seed(seed)
    models.write(path.parent)


def read_model(path):
    network, config = model_folder.load(path.parent)
    return [config.to_json(), *(value.numpy() for value in network.state_dict().values())]


WRITERS = {
    "grid.h5": (write_grid, read_grid),
    "virtual.h5": (write_virtual, read_grid),
    "pairs.h5": (write_pairs, read_pairs),
    "results.nc": (write_results, read_results),
    "moments.json": (lambda path, seed=0: MOMENTS.save(path), lambda path: [Moments.load(path)]),
    "best.json": (
        lambda path, seed=0: write_json(path, {"epoch": 3 + seed, "loss": 2.5}),
        lambda path: [read_json(path)],
    ),
    "best.pt": (write_weights, read_weights),
    "period.grib": (write_coefficients, read_coefficients),
    "state.npz": (write_state, read_state),
    "model.safetensors": (write_model, read_model),
    "config.json": (write_model, read_model),
}
FLIPS, CUTS = 40, 12


def equal(found, expected):
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(equal, found, expected))
    if isinstance(expected, np.ndarray):
        return np.array_equal(found, expected) and found.dtype == expected.dtype
    return found == expected


def damaged(content, kind, stream):
    """Content after ``kind`` of damage."""
    if kind == "flip":
        content = bytearray(content)
        for _ in range(stream.integers(1, 4)):
            content[stream.integers(len(content))] ^= 1 << stream.integers(8)
        return bytes(content)
    if kind == "cut":
        return content[: stream.integers(len(content))]
    if kind == "zeros":
        start = stream.integers(len(content))
        return content[:start] + bytes(min(64, len(content) - start)) + content[start + 64 :]
    return {"empty": b"", "page": b"<html>503 Service Unavailable</html>"}[kind]


@pytest.mark.parametrize("name", WRITERS)
def test_a_damaged_file_is_read_right_or_named(tmp_path, name):
    write, read = WRITERS[name]
    path = tmp_path / name
    write(path)
    expected, content = read(path), path.read_bytes()
    stream, refused = np.random.default_rng(2021), 0
    kinds = ["flip"] * FLIPS + ["cut"] * CUTS + ["zeros"] * 8 + ["empty", "page"]
    for kind in kinds:
        changed = damaged(content, kind, stream)
        path.unlink()
        path.write_bytes(changed)
        try:
            found = read(path)
        except InputError as error:
            told = str(error)
        else:
            assert equal(found, expected), f"{kind}: other numbers without a word"
            continue
        refused += changed != content
        assert str(path) in told or str(path.with_suffix(".sha256")) in told, told
        assert len(told.splitlines()) == 1, told
    assert refused > len(kinds) / 3


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_no_file_is_named_at_once(tmp_path, name):
    write, read = WRITERS[name]
    path = tmp_path / name
    write(path)
    path.unlink()
    (tmp_path / "nowhere").unlink(missing_ok=True)
    for make in (
        lambda: path.symlink_to(tmp_path / "nowhere"),
        lambda: path.symlink_to(path),
        lambda: os.mkfifo(path),
        lambda: path.mkdir(),
        lambda: None,
    ):
        make()
        with pytest.raises(InputError) as error:
            read(path)
        assert str(path.parent) in str(error.value)
        assert len(str(error.value).splitlines()) == 1
        if path.is_symlink() or path.is_fifo():
            path.unlink()
        elif path.is_dir():
            path.rmdir()


def test_a_virtual_file_over_another_runs_period_is_refused(tmp_path):
    write_virtual(tmp_path / "train.h5")
    fields = store.Fields(tmp_path / "train.h5")
    write_grid(tmp_path / "1.h5", seed=7, start="2001-01-02T00")
    with pytest.raises(
        InputError, match=rf"{tmp_path}/1\.h5 is not the file that {tmp_path}/train\.h5 was made of"
    ):
        fields.read(5)
    fields.read(3)


def test_equal_weights_are_equal_bytes(tmp_path):
    for number in range(2):
        write_weights(tmp_path / f"{number}.pt")
    assert (tmp_path / "0.pt").read_bytes() == (tmp_path / "1.pt").read_bytes()


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_no_pickle_runs_and_nobody_is_advised_to_let_it(tmp_path, write):
    write({"network": models.Trap(tmp_path / "trace")}, tmp_path / "best.pt")
    with pytest.raises(InputError) as error:
        saved.load(tmp_path / "best.pt")
    assert "which is not loaded" in str(error.value)
    assert "weights_only" not in str(error.value)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "change", [{"alpha": -3}, {"log_std": [0.4]}, {"std": [1, 0]}, {"variables": ["vorticity"]}]
)
def test_moments_that_cannot_be_are_refused_though_intact(tmp_path, change):
    MOMENTS.save(tmp_path / "moments.json")
    content = read_json(tmp_path / "moments.json") | change
    write_json(tmp_path / "moments.json", content)
    with pytest.raises(InputError):
        Moments.load(tmp_path / "moments.json")


def test_files_of_an_older_version_are_refused(tmp_path):
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "old.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"old\.nc ends without a checksum"):
        netcdf.read(tmp_path / "old.nc")
    (tmp_path / "old.json").write_text(json.dumps({"x": 1}))
    with pytest.raises(InputError, match=r"old\.json is no JSON file of this workflow"):
        read_json(tmp_path / "old.json")
    torch.save({"x": 1}, tmp_path / "old.pt")
    with pytest.raises(InputError, match=r"old\.pt is damaged or no weights of this workflow"):
        saved.load(tmp_path / "old.pt")


def test_every_dataset_of_a_shard_is_in_the_seal(tmp_path):
    write_pairs(tmp_path / "pairs.h5")
    with h5py.File(tmp_path / "pairs.h5") as file:
        names = set(file) - set(shards.PAIRS)
    assert {"lag", "time", "row"} <= names
    for name in names:
        write_pairs(tmp_path / "pairs.h5")
        with h5py.File(tmp_path / "pairs.h5", "r+") as file:
            file[name][3] += 1
        with pytest.raises(InputError, match=r"pairs\.h5 is damaged"):
            read_pairs(tmp_path / "pairs.h5")


def test_nothing_reads_or_writes_netcdf_json_or_weights_past_the_checksums():
    allowed = {"netcdf.py": "netcdf", "saved.py": "torch", "files.py": "json"}
    calls = {
        "netcdf": (".to_netcdf(", "load_dataset(", "open_dataset(", "open_datatree("),
        "torch": ("torch.load(", "torch.save("),
        "json": ("json.loads(", "json.load(", "json.dump("),
    }
    outside = {"plots.py", "store.py", "reading.py", "objects.py", "arco.py"}
    found = [
        f"{path.name}: {call}"
        for path in SCRIPTS.rglob("*.py")
        for kind, names in calls.items()
        for call in names
        if call in path.read_text(encoding="utf-8")
        and allowed.get(path.name) != kind
        and path.name not in outside
    ]
    assert found == []
