"""How fast the networks of the paper train on patches of several sizes.

    python benchmarks/training.py [--device auto] [--threads 2] [--batches 4] [--times 1]
    python benchmarks/training.py --device gpu --threads 8 --batches 200 --times 1 4 [--compile]

Samples a second of the bare step, in plain PyTorch on one batch that stays on the device: on a GPU launched
kernel by kernel, and captured as a CUDA graph. Then of the training that the rules run, fed from memory
and from disk, with its share of the bare speed (the captured one, on a GPU): at the paper's batch sizes and
at multiples of them. Started twice at once, it says what two training runs get that share a GPU.
"""

import argparse
import math
import sys
import tempfile
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import pandas as pd
import torch
import torch.nn.functional as F
from shared import seconds
from trainings import ATMODIST, CPU, SRGAN, VARIABLES, training_job, write_pairs, write_patches

from atmodist.learning import atmodist_training, srgan_training
from atmodist.learning.captured import WARM_UP, CapturedStep
from atmodist.learning.devices import lay_out, to_device
from atmodist.learning.launching import fabric_of, launch
from atmodist.learning.losses import (
    ContentLoss,
    add_weight_penalty,
    discriminator_loss,
    generator_loss,
    kernels,
)
from atmodist.learning.networks import Discriminator, Encoder, Generator
from atmodist.learning.optimisers import adam, clip_each
from atmodist.learning.predictions import accuracies
from atmodist.learning.resolution import coarsen
from atmodist.learning.saved import build, save
from atmodist.learning.settings import AtmoDistSettings, GeneratorSettings, GeneratorTraining, SRGANSettings
from atmodist.samples import batches

CASES = ["atmodist-32", "atmodist-160", "generator-96", "srgan-96"]
GENERATOR = {"channels": 64, "blocks": 16}
ENCODER = {"stages": (16, 32, 64, 128), "blocks": 6}
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
    "generator": {"epochs": 2, "learning_rate": 1.0e-4, "batch_size": 64, "batches": None},
    "srgan": {
        **SRGAN,
        "batch_size": 64,
        "batches": None,
        "phases": [{"epochs": 2, "learning_rate": 1.0e-4}],
        "discriminator": {
            "channels": 32,
            "dense": 1024,
            "extra_generator_below": 0,  # regular steps alone: how many more there are, the duel decides
            "extra_discriminator_above": math.inf,
        },
    },
}


def descend(optimiser, loss):
    """Take a step down the gradient of a loss."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def bare_atmodist(device, hardware, patch, size):
    """A step as train_atmodist takes it, written down by itself."""
    network = lay_out(build(SETTINGS["atmodist"], patch, VARIABLES), hardware).to(device.device)
    parameters, penalised = list(network.parameters()), kernels(network)
    optimiser = torch.optim.SGD(parameters, 0.1, momentum=0.9, foreach=True)
    first, second = (to_device(device, torch.randn(size, 2, patch, patch)) for _ in range(2))
    label = torch.randint(23, (size,), device=device.device)

    def step():
        with device.autocast():
            logits = network(first, second)
        logits = logits.float()
        optimiser.zero_grad()
        F.cross_entropy(logits, label).backward()
        add_weight_penalty(penalised, 1e-4)
        clip_each(parameters, 5)
        optimiser.step()
        accuracies(logits, label)

    return step


def bare_generator(device, hardware, patch, size):
    """A step as pretrain_generator takes it."""
    generator = lay_out(Generator(2, **GENERATOR), hardware).to(device.device)
    optimiser = adam(device, generator, 1e-4)
    high = to_device(device, torch.randn(size, 2, patch, patch))

    def step():
        with device.autocast():
            fake = generator(coarsen(high))
        descend(optimiser, F.mse_loss(fake.float(), high))

    return step


def bare_srgan(device, hardware, patch, size):
    """The two regular steps of a duel with AtmoDist's content loss, and the look at what they led to."""
    generator, discriminator = networks = Generator(2, **GENERATOR), Discriminator(2, patch)
    for network in networks:
        lay_out(network, hardware).to(device.device)
    content = lay_out(ContentLoss(Encoder(2, **ENCODER), "stage4"), hardware).to(device.device)
    optimisers = [adam(device, network, 1e-4) for network in networks]
    high = to_device(device, torch.randn(size, 2, patch, patch))
    low = coarsen(high)

    def losses(fake):
        with device.autocast():
            return discriminator_loss(*discriminator(torch.cat((high, fake.detach()))).float().chunk(2))

    def step():
        with device.autocast():
            fake = generator(low)
        fake = fake.float()
        descend(optimisers[1], losses(fake))
        discriminator.requires_grad_(False)
        with device.autocast():
            loss = content(high, fake).mean() + 1e-3 * generator_loss(discriminator(fake).float())
        discriminator.requires_grad_(True)
        descend(optimisers[0], loss)
        with torch.no_grad(), device.autocast():
            fake = generator(low)
        with torch.no_grad():
            losses(fake.float())

    return step


BARE = {"atmodist": bare_atmodist, "generator": bare_generator, "srgan": bare_srgan}


def hardware_parser(text, threads=2, precision="bf16-mixed"):
    """Options of what to compute on, to which a benchmark adds its own; ``text`` says what it is."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "gpu"])
    parser.add_argument("--threads", type=int, default=threads)
    parser.add_argument("--precision", default=precision, choices=["bf16-mixed", "32-true"])
    return parser


def hardware_of(options):
    """What the options of `hardware_parser` name, compiled if a benchmark has that option and it is given."""
    names = {"device", "threads", "precision", "compile"} & vars(options).keys()
    return replace(CPU, **{name: getattr(options, name) for name in names})


def bare_rate(step, size, device, repeats=3):
    """Samples a second of the fastest of a few steps."""

    def finished_step():
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return size / seconds(finished_step, repeats + 1)


def fed_rate(kind, patch, shards, memory, hardware):
    """Samples a second in the last epoch of a training run that reads ``shards``."""
    atmodist_training.PairBatches = partial(batches.PairBatches, memory=memory)
    srgan_training.PatchBatches = partial(batches.PatchBatches, memory=memory)
    with tempfile.TemporaryDirectory() as folder:
        job = training_job(Path(folder), shards, hardware=hardware, patch=patch)
        if kind == "atmodist":
            launch(hardware, atmodist_training.train_atmodist, job, AtmoDistSettings.of(SETTINGS[kind]))
        elif kind == "generator":
            job = replace(job, weights=job.weights.with_suffix(".pt"))
            settings = GeneratorTraining(**SETTINGS[kind])
            launch(hardware, srgan_training.pretrain_generator, job, GeneratorSettings(**GENERATOR), settings)
        else:
            start = f"{folder}/start.pt"
            save(start, {"generator": Generator(2, **GENERATOR).state_dict()})
            content = ContentLoss(Encoder(2, **ENCODER), "stage4")
            settings = GeneratorSettings(**GENERATOR), SRGANSettings.of(SETTINGS[kind])
            launch(hardware, srgan_training.train_srgan, job, start, content, *settings)
        row = pd.read_csv(job.log).iloc[-1]
    return SETTINGS[kind]["batch_size"] * SETTINGS[kind]["batches"] / row["seconds"]


def main():
    """Print the table."""
    parser = hardware_parser(__doc__)
    parser.add_argument("--batches", type=int, default=4, help="batches in an epoch")
    parser.add_argument("--copies", type=int, default=1, help="how often the samples on disk make an epoch")
    parser.add_argument("--times", type=int, nargs="+", default=[1], help="multiples of the paper's batches")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES, help="network and its patch")
    options = parser.parse_args()
    hardware = hardware_of(options)
    fabric = fabric_of(hardware)
    gpu = fabric.device.type == "cuda"
    compiled = ", compiled" * options.compile
    name = torch.cuda.get_device_name() if gpu else "CPU"
    print(f"{name}, {options.threads} threads, {options.precision}{compiled}, samples/s")
    ways = ("launched", "captured") if gpu else ("bare step",)
    print(" " * 22 + "".join(f"{way:>13}" for way in ways) + f"{'from memory':>19}{'from disk':>19}")
    papers = {kind: SETTINGS[kind]["batch_size"] for kind in SETTINGS}
    for text, times in product(options.cases, options.times):
        kind, patch = text.split("-")[0], int(text.split("-")[1])
        size = SETTINGS[kind]["batch_size"] = times * papers[kind]
        written = options.batches // options.copies * (8 if patch == 32 else 1)
        SETTINGS[kind]["batches"] = written * options.copies
        step = BARE[kind](fabric, hardware, patch, size)
        rates = [bare_rate(step, size, fabric.device)]
        if gpu:
            rates.append(bare_rate(CapturedStep(fabric, step), size, fabric.device, repeats=WARM_UP + 3))
        with tempfile.TemporaryDirectory() as folder:
            shards = [f"{folder}/shard.h5"] * options.copies
            if kind == "atmodist":
                write_pairs(shards[0], size * written, patch, lags=23)
            else:
                write_patches(shards[0], size * written, patch)
            fed = [fed_rate(kind, patch, shards, memory, hardware) for memory in (2**40, 0)]
        numbers = "".join(f"{each:13.1f}" for each in rates)
        shares = "".join(f"{each:12.1f} ({each / rates[-1]:4.0%})" for each in fed)
        print(f"{kind:8} {patch:>3} px, {size:>4} {numbers}{shares}", flush=True)


if __name__ == "__main__":
    main()
