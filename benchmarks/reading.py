"""How pairs of patches are best kept on disk: bytes, and how many a core reads in a second.

    python benchmarks/reading.py [--patch 160] [--pairs 512] [--rate 20000]

Pairs are cut out of fields whose power falls with degree like that of vorticity, normalised, written in each
of the ways and read back in the order of training, at random. Seconds of the processor's time, the file in
the page cache, so that the disk does not count; what it must deliver stands beside them, at the rate
at which one GPU is to train. *Rounded* values keep 7 bits of mantissa, those of bfloat16: a network that is
trained in bf16-mixed sees the same numbers. *Blocks* are chunks of 16 samples, read together.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

import h5py
import hdf5plugin
import numpy as np
from evaluation import random_frame

from atmodist.data.store import round_mantissa
from atmodist.samples.normalise import log_transform

BLOCK = 16
WAYS = {
    "as it is: float16": {},
    "float16, bitshuffle-LZ4": {"filter": "lz4"},
    "float16 rounded, bitshuffle-LZ4": {"filter": "lz4", "bits": 7},
    "float16 rounded, bitshuffle-Zstd": {"filter": "zstd", "bits": 7},
    "float16 in blocks": {"block": BLOCK},
    "float16 rounded in blocks, bitshuffle-LZ4": {"filter": "lz4", "bits": 7, "block": BLOCK},
}


def samples(patch: int, pairs: int) -> np.ndarray:
    """Normalised patches (2, pair, variable, row, column) of a random frame, float32."""
    frame = random_frame(639, 0).values
    frame = log_transform(frame / frame.std((1, 2), keepdims=True), alpha=0.2)
    frame /= frame.std((1, 2), keepdims=True)
    stream = np.random.default_rng(0)
    rows, columns = (stream.integers(0, size - patch, (2, pairs)) for size in frame.shape[1:])
    return np.array(
        [
            [frame[:, i : i + patch, j : j + patch] for i, j in zip(*each, strict=True)]
            for each in zip(rows, columns, strict=True)
        ]
    )


def write(path: Path, values: np.ndarray, filter: str = "", bits: int = 23, block: int = 1) -> None:
    """Write the two halves of all pairs, each chunk with a checksum."""
    compression = hdf5plugin.Bitshuffle(cname=filter) if filter else {}
    with h5py.File(path, "w") as file:
        for name, half in zip(("first", "second"), values, strict=True):
            chunks = (block, *half.shape[1:])
            rounded = round_mantissa(np.ascontiguousarray(half), bits).astype(np.float16)
            file.create_dataset(name, data=rounded, chunks=chunks, fletcher32=True, **compression)


def read(path: Path, pairs: int, block: int) -> float:
    """Seconds to read all pairs at random, ``block`` of them together."""
    order = np.random.default_rng(1).permutation(pairs // block)
    began = process_time()
    with h5py.File(path) as file:
        for name in ("first", "second"):
            data = file[name]
            sample = np.empty((block, *data.shape[1:]), data.dtype)
            for number in order:
                data.read_direct(sample, np.s_[number * block : (number + 1) * block])
    return process_time() - began


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--patch", type=int, default=160)
    parser.add_argument("--pairs", type=int, default=512, help="a multiple of 16")
    parser.add_argument("--rate", type=int, default=20000, help="pairs a second that a GPU is to train")
    given = parser.parse_args()
    values = samples(given.patch, given.pairs)
    heads = ("kB a pair", "pairs/s a core", "cores", "GB/s")
    print(f"{f'pairs of {given.patch} px':>44} " + " ".join(f"{head:>14}" for head in heads))
    with tempfile.TemporaryDirectory() as folder:
        for name, way in WAYS.items():
            path = Path(folder) / "pairs.h5"
            write(path, values, **way)
            size = path.stat().st_size / given.pairs
            rate = given.pairs / min(read(path, given.pairs, way.get("block", 1)) for _ in range(5))
            numbers = (size / 1e3, rate, given.rate / rate, given.rate * size / 1e9)
            print(f"{name:>44} " + " ".join(f"{number:14.1f}" for number in numbers))


if __name__ == "__main__":
    main()
