"""How fast the networks of the paper train on patches of several sizes.

    python benchmarks/training.py [--device auto] [--threads 2] [--batches 4] [--times 1]
    python benchmarks/training.py --device gpu --threads 8 --batches 200 --times 1 2 4 8 [--compile]

Samples a second of the bare step, in plain PyTorch on one batch that stays on the device, and of the training
that the rules run, fed from memory and from disk, with its share of the bare speed: at the paper's batch
sizes and at multiples of them.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import pandas as pd
import torch
import torch.nn.functional as F
from trainings import ATMODIST, CPU, SRGAN, VARIABLES, training_job, write_pairs, write_patches

from atmodist.learning import atmodist_training, srgan_training
from atmodist.learning.devices import to_device
from atmodist.learning.launching import fabric_of, launch
from atmodist.learning.networks import Discriminator, Generator
from atmodist.learning.resolution import coarsen
from atmodist.learning.saved import build
from atmodist.learning.settings import AtmoDistSettings, GeneratorSettings, SRGANSettings
from atmodist.samples import batches

GENERATOR = {"channels": 64, "blocks": 16}
SETTINGS = {
    "atmodist": {
        **ATMODIST,
        "classes": 23,
        "stages": [16, 32, 64, 128],
        "blocks": 6,
        "batch_size": 128,
        "pretraining": {"epochs": 0, "batches": None},
        "batches": None,
    },
    "srgan": {
        **{key: value for key, value in SRGAN.items() if key != "content"},
        "batch_size": 64,
        "batches": None,
        "phases": [{"epochs": 2, "learning_rate": 1.0e-4}],
        "discriminator": {**SRGAN["discriminator"], "channels": 32, "dense": 1024},
    },
}


def bare_atmodist(fabric, patch, size):
    """One step of SGD on the cross-entropy, nothing else."""
    network = build(SETTINGS["atmodist"], patch, VARIABLES)
    network.to(fabric.device, memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    first, second = (to_device(fabric, torch.randn(size, 2, patch, patch)) for _ in range(2))
    label = torch.randint(23, (size,), device=fabric.device)

    def step():
        with fabric.autocast():
            loss = F.cross_entropy(network(first, second), label)
        _update(optimiser, loss)

    return step


def bare_srgan(fabric, patch, size):
    """One step of Adam for each network, nothing else."""
    generator, discriminator = Generator(2, **GENERATOR), Discriminator(2, patch)
    adam = []
    for network in (generator, discriminator):
        network.to(fabric.device, memory_format=torch.channels_last)
        adam.append(torch.optim.Adam(network.parameters(), 1e-4))
    high = to_device(fabric, torch.randn(size, 2, patch, patch))

    def step():
        with fabric.autocast():
            fake = generator(coarsen(high))
            loss = discriminator(fake.detach()).mean() - discriminator(high).mean()
        _update(adam[1], loss)
        with fabric.autocast():
            loss = F.mse_loss(fake, high) + discriminator(fake).mean()
        _update(adam[0], loss)

    return step


def _update(optimiser, loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def bare_rate(step, size, device, repeats=3):
    """Samples a second of the fastest of a few steps."""
    fastest = float("inf")
    for _ in range(repeats + 1):
        started = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        fastest = min(fastest, time.perf_counter() - started)
    return size / fastest


def fed_rate(kind, shard, count, patch, memory, hardware):
    """Samples a second in the second epoch of a training run that reads ``shard``."""
    with tempfile.TemporaryDirectory() as folder:
        job = training_job(Path(folder), [shard], hardware=hardware, patch=patch)
        if kind == "atmodist":
            atmodist_training.PairBatches = partial(batches.PairBatches, memory=memory)
            launch(hardware, atmodist_training.train_atmodist, job, AtmoDistSettings.of(SETTINGS[kind]))
        else:
            srgan_training.PatchBatches = partial(batches.PatchBatches, memory=memory)
            start = Generator(2, **GENERATOR).state_dict()
            settings = GeneratorSettings(**GENERATOR), SRGANSettings.of(SETTINGS[kind])
            launch(hardware, srgan_training.train_srgan, job, start, None, *settings)
        return count / pd.read_csv(job.log)["seconds"].iloc[-1]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "gpu"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, default=4, help="batches in an epoch")
    parser.add_argument("--times", type=int, nargs="+", default=[1], help="multiples of the paper's batches")
    parser.add_argument("--precision", default="bf16-mixed", choices=["bf16-mixed", "32-true"])
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    chosen = {name: getattr(options, name) for name in ("device", "threads", "precision", "compile")}
    hardware = replace(CPU, **chosen)
    fabric = fabric_of(hardware)
    name = torch.cuda.get_device_name() if fabric.device.type == "cuda" else fabric.device
    print(f"{name}, {options.threads} threads, {options.precision}, samples/s")
    print(f"{'':24}{'bare step':>12}{'from memory':>18}{'from disk':>18}")
    cases = (("atmodist", 32), ("atmodist", 160), ("srgan", 96))
    papers = {kind: SETTINGS[kind]["batch_size"] for kind, _ in cases}
    for (kind, patch), times in product(cases, options.times):
        size = SETTINGS[kind]["batch_size"] = times * papers[kind]
        count = size * options.batches * (8 if patch == 32 else 1)
        step = (bare_atmodist if kind == "atmodist" else bare_srgan)(fabric, patch, size)
        bare = bare_rate(step, size, fabric.device)
        with tempfile.TemporaryDirectory() as folder:
            shard = f"{folder}/shard.h5"
            if kind == "atmodist":
                write_pairs(shard, count, patch, lags=23)
            else:
                write_patches(shard, count, patch)
            rates = [fed_rate(kind, shard, count, patch, memory, hardware) for memory in (2**40, 0)]
        fed = "".join(f"{rate:10.1f} ({rate / bare:4.0%})" for rate in rates)
        print(f"{kind:8} {patch:>3} px, {size:>4} {bare:12.1f}{fed}", flush=True)


if __name__ == "__main__":
    main()
