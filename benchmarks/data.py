"""How fast spectral coefficients become fields, moments, samples and batches, on one core.

    python benchmarks/data.py [--truncation 639] [--times 4]

Every line is a process of its own: a rate, how many times the first rate of its group that is, and its peak
memory, of which the interpreter with its libraries takes some 0.2 GiB. Files lie in the page cache.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import h5py
import hdf5plugin
import numpy as np
from shared import VARIABLES, called, hours, peak_memory, seconds

from atmodist.core import hdf5
from atmodist.data import grib, spectral, store
from atmodist.samples import normalise, shards, windows
from atmodist.samples.batches import PairBatches, SampleFiles, loader

MOMENTS = normalise.Moments(VARIABLES, (0, 0), (3e-5, 5e-5), (0, 0), (0.16, 0.16), 0.2)
BITSHUFFLE = hdf5plugin.Bitshuffle(cname="lz4")


def make_grib(path, truncation, times):
    """Random fields whose power falls as 1/n with degree n, as that of vorticity does."""
    stream = np.random.default_rng(0)
    degree, order = spectral.degrees_and_orders(truncation)

    def fields():
        for time in hours(times):
            for variable in VARIABLES:
                packed = stream.standard_normal(len(degree)) + 1j * np.sign(order) * stream.standard_normal(
                    len(degree)
                )
                yield grib.Field(variable, time, 120, 1e-5 * packed / np.maximum(degree, 1))

    grib.write_fields(path, fields())


def make_split(folder, periods=240, rows=64):
    """A split of many small periods."""
    grid = np.random.default_rng(0).standard_normal((rows, 2 * rows), np.float32)
    for period in range(periods):
        time = hours(1, period)
        store.write_fields(
            folder / f"p{period}.h5",
            VARIABLES,
            time,
            90 - np.arange(rows) * 180 / rows,
            np.arange(2 * rows) * 180 / rows,
            [(variable, time[0], grid) for variable in VARIABLES],
        )
    store.write_virtual(folder / "split.h5", [folder / f"p{period}.h5" for period in range(periods)])


def by_shtools(packed):
    """Packed coefficients → the grid by SHTOOLS."""
    import shtools  # here, because it brings Matplotlib and Astropy

    return shtools.synthesise(spectral.to_cilm(packed))


def in_double(packed):
    """The same by ducc0 in double precision."""
    return spectral.synthesise(spectral.to_cilm(packed))


def gridding(folder, truncation, times, synthesise):
    """From GRIB through check, synthesis and rounding to HDF5, as ``grid_fields`` does."""

    def fields():
        for field in grib.checked_fields(folder / "fields.grib", hours(times), VARIABLES, 120, truncation):
            yield field.variable, field.time, synthesise(field.coefficients)

    def work():
        latitude, longitude = spectral.latitudes(truncation), spectral.longitudes(truncation)
        store.write_fields(
            folder / "gridded.h5", VARIABLES, hours(times), latitude, longitude, fields(), mantissa_bits=12
        )

    return 2 * times / seconds(work, 2), "fields/s"


def writing(folder, bits, filters, dtype="f4", chunk=(160, 320)):
    """One field, rounded and filtered; its size as part of the bytes in float32 and the time to read it."""
    packed = next(grib.read_fields(folder / "fields.grib")).coefficients
    grid = spectral.synthesise(spectral.to_cilm(packed)).astype(np.float32)
    path = folder / "filters.h5"

    def work():
        with h5py.File(path, "w", libver=hdf5.CHECKED_METADATA) as file:
            chunks = tuple(map(min, chunk, grid.shape))
            file.create_dataset(
                "data", data=store.round_mantissa(grid, bits), dtype=dtype, chunks=chunks, **filters
            )

    rate = grid.nbytes / seconds(work, 5) / 1e6
    with h5py.File(path) as file:
        size = file["data"].id.get_storage_size() / grid.nbytes
        whole = seconds(lambda: file["data"][:], 5) * 1e3
    rows, columns = (
        np.random.default_rng(0).integers(1, np.subtract(grid.shape, 160 * grid.shape[0] // 1280), (64, 2)).T
    )

    def cut_windows():
        for row, column in zip(rows, columns, strict=True):
            with h5py.File(path) as file:
                file["data"][row : row + 160, column : column + 160]

    window = seconds(cut_windows, 3) * 1e3 / 64
    return rate, f"MB/s, size {size:.2f}, read a field {whole:.1f} ms, a window {window:.2f} ms"


def read_windows(folder, through_virtual):
    """Windows of 32 × 32 pixels in the order of time out of a split of 240 files."""
    times = np.sort(np.random.default_rng(0).integers(240, size=2000))
    with h5py.File(folder / "split.h5") as file:
        data, fields = file["data"], store.Fields(folder / "split.h5")
        read = (
            (lambda t: data[:, t, :32, :32])
            if through_virtual
            else (lambda t: fields.read(t, slice(32), slice(32)))
        )
        return 2000 / seconds(lambda: [read(time) for time in times]), "windows/s"


def moments(folder, threads):
    """Two passes over the fields; MB of float32, each counted once."""
    fields = store.Fields(folder / "gridded.h5")
    spent = seconds(lambda: normalise.compute_moments(fields, 0.2, threads), 2)
    return 4e-6 * np.prod(fields.shape) / spent, "MB/s"


def draw(folder, patch, kind, max_lag):
    """A shard's worth of samples of the fields on disk."""
    fields = store.Fields(folder / "gridded.h5")
    sampling = windows.Sampling(kind, "train", 1, patch, per_time=512, band=(-60, 60), max_lag=max_lag)
    grid = fields.time, fields.latitude, len(fields.longitude)
    return fields, windows.draw_shard(sampling, *grid, shard=0, shard_size=512)


def sampled(folder, patch, kind, max_lag):
    """Samples drawn, cut, normalised and written."""

    def work():
        shards.write_shard(folder / f"{kind}-{patch}.h5", *draw(folder, patch, kind, max_lag), MOMENTS, patch)

    return 512 / seconds(work, 2), f"{kind}/s"


def batched(folder, patch, memory):
    """Pairs through the loader, in batches of 64."""
    samples = SampleFiles([folder / f"pairs-{patch}.h5"], patch, VARIABLES)
    data = PairBatches(samples, batch_size=64, memory=memory)
    return len(data) * 64 / seconds(lambda: list(loader(data, epoch=0)), 3), "pairs/s"


def measured(work, arguments, pipe):
    """Send what ``work`` returns and the process's peak memory in GiB."""
    rate, unit = work(*arguments)
    pipe.send((rate, unit, peak_memory()))


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--truncation", type=int, default=639)
    parser.add_argument("--times", type=int, default=4)
    options = parser.parse_args()
    truncation, times = options.truncation, options.times
    patch = (truncation + 1) // 4  # 160 pixels at T639
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_grib(folder / "fields.grib", truncation, times)
        make_split(folder)
        groups = {
            f"GRIB to grid, T{truncation}": {
                "SHTOOLS": (gridding, folder, truncation, times, by_shtools),
                "ducc0, float64": (gridding, folder, truncation, times, in_double),
                "ducc0, float32": (gridding, folder, truncation, times, spectral.synthesise_packed),
            },
            "write a field": {
                "nothing": (writing, folder, 23, {}),
                "gzip 4": (writing, folder, 23, {"compression": "gzip", "compression_opts": 4}),
                "LZ4": (writing, folder, 23, BITSHUFFLE),
                "LZ4, 12 bits": (writing, folder, 12, BITSHUFFLE),
                "LZ4, 12 bits, checksum": (writing, folder, 12, {**BITSHUFFLE, "fletcher32": True}),
                "LZ4, 10 bits, checksum": (writing, folder, 10, {**BITSHUFFLE, "fletcher32": True}),
                "zstd, 12 bits, checksum": (
                    writing,
                    folder,
                    12,
                    {**hdf5plugin.Bitshuffle(cname="zstd"), "fletcher32": True},
                ),
            },
            "windows of a split of 240 files": {
                "virtual data set": (read_windows, folder, True),
                "Fields": (read_windows, folder, False),
            },
            "moments": {"1 thread": (moments, folder, 1), "2 threads": (moments, folder, 2)},
            "samples": {
                f"pairs, {patch} px": (sampled, folder, patch, "pairs", times // 2),
                "pairs, 32 px": (sampled, folder, 32, "pairs", times // 2),
                f"patches, {patch * 96 // 160} px": (sampled, folder, patch * 96 // 160, "patches", 0),
            },
            "batches": {
                f"{patch} px from disk": (batched, folder, patch, 0),
                f"{patch} px in memory": (batched, folder, patch, 2**33),
                "32 px from disk": (batched, folder, 32, 0),
                "32 px in memory": (batched, folder, 32, 2**33),
            },
        }
        for group, rows in groups.items():
            print(group)
            first = None
            for label, (work, *arguments) in rows.items():
                process, _, (rate, unit, peak) = called(measured, work, arguments)
                process.join()
                first = first or rate
                print(f"  {label:26}{rate:10.1f} {unit:60} ×{rate / first:<8.2f}{peak:5.2f} GiB", flush=True)


if __name__ == "__main__":
    main()
