"""Small samples on disk and runs of the training scripts, for the tests of everything that trains."""

import os

import h5py
import numpy as np
from fake_snakemake import run_script

from atmodist.core.hdf5 import seal
from atmodist.learning.devices import Hardware
from atmodist.learning.training import TrainingJob
from atmodist.samples.batches import SampleFiles
from atmodist.samples.shards import CHUNKED

VARIABLES = ["divergence", "vorticity"]

HARDWARE = {
    "device": "cpu",
    "devices": 1,
    "nodes": 1,
    "precision": "32-true",
    "compile": False,
    "cuda_graphs": True,
    "threads": 1,
    "checkpoint_minutes": 10,
}
ATMODIST = {
    "classes": 3,
    "stages": [4, 4, 4, 4],
    "blocks": 1,
    "batch_size": 8,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_penalty": 1.0e-4,
    "gradient_norm": 5,
    "pretraining": {"epochs": 1, "batches": 6},
    "epochs": 2,
    "batches": 12,
    "learning_rate_schedule": {"factor": 0.1, "patience": 8, "threshold": 0.04, "floor": 1.0e-5},
    "seed_index": 0,
}
AUTOENCODER = {
    "stages": [4, 4, 4, 4],
    "blocks": 1,
    "batch_size": 16,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_penalty": 1.0e-4,
    "gradient_norm": 5,
    "epochs": 2,
    "batches": 12,
    "learning_rate_schedule": {"factor": 0.1, "patience": 6, "threshold": 0.04, "floor": 1.0e-5},
    "seed_index": 0,
}
INPAINTING = {
    "stages": [4, 4, 4, 4],
    "blocks": 1,
    "batch_size": 16,
    "learning_rate": 1.0e-3,
    "weight_penalty": 1.0e-3,
    "gradient_norm": 5,
    "epochs": 2,
    "batches": 12,
    "seed_index": 0,
    "content": "mse",
}
GENERATOR = {"channels": 4, "blocks": 1}
SRGAN = {
    "batch_size": 4,
    "adversarial_weight": 0.001,
    "phases": [{"epochs": 2, "learning_rate": 1.0e-3}, {"epochs": 1, "learning_rate": 1.0e-4}],
    "batches": 6,
    "discriminator": {
        "channels": 2,
        "dense": 8,
        "extra_generator_below": 0.46,
        "extra_discriminator_above": 0.6,
    },
    "seed_index": 0,
    "content": "mse",
}

CPU = Hardware(**HARDWARE)


def training_job(folder, paths, weights="weights", hardware=CPU, patch=32):
    """What a training run in ``folder`` reads and writes."""
    samples = SampleFiles([str(path) for path in paths], patch, VARIABLES)
    return TrainingJob(samples, folder / "training.csv", folder / weights, "id", seed=1, hardware=hardware)


def die_after(monkeypatch, moves):
    """Let what follows die, as if it were killed, once it has moved so many files into their places."""
    move, done = os.replace, []

    def move_or_die(source, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(move(source, target))

    monkeypatch.setattr(os, "replace", move_or_die)


def run(script, folder, inputs, outputs, params, hardware=HARDWARE, **wildcards):
    """Run a script as Snakemake would, in this process, inside ``folder``."""
    os.chdir(folder)
    run_script(
        script,
        f"{script}.log",
        inputs=inputs,
        outputs=outputs,
        params=params,
        config={"name": "tiny", "data": {"source": "era5"}, "training": hardware},
        wildcards={"model": "tiny", **wildcards},
    )


def write_pairs(path, count=120, patch=32, lags=3, seed=0):
    """A shard of pairs in which the lag shows: the second patch is the first, brighter by the lag."""
    rng = np.random.default_rng(seed)
    lag = rng.integers(1, lags + 1, count)
    first = rng.standard_normal((count, 2, patch, patch))
    second = first + 0.5 * lag[:, None, None, None]
    _write(path, lag=lag, first=first, second=second)


def write_patches(path, count=60, patch=32, seed=0):
    """A shard of patches of smooth noise."""
    high = np.random.default_rng(seed).standard_normal((count, 2, patch, patch))
    for axis in (2, 3, 2, 3):
        high = sum(np.roll(high, shift, axis) for shift in range(8))
    _write(path, high=high / high.std())


def _write(path, lag=None, **samples):
    with h5py.File(path, "w") as file:
        file.attrs["variables"] = VARIABLES
        file["time"] = 3 * np.arange(len(next(iter(samples.values()))))
        for name, values in samples.items():
            file[name] = values.astype(np.float16)
        if lag is not None:
            file["lag"] = lag
        seal(file, CHUNKED)
