"""What the paper's networks cost: the work of every training run and evaluation, counted, and its time here.

    python benchmarks/networks.py [--device auto] [--threads 2] [--precision bf16-mixed] [--teraflops 100]

PyTorch counts the operations of one sample while it passes the networks of config/config.yaml, forward and,
in training, backward; how many samples there are follows from the config. The time here is that of bare steps
on one batch. The last column is a projection: the hours of a GPU that keeps up so many TFLOP/s.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode
from training import bare_rate, hardware_of, hardware_parser
from trainings import VARIABLES

from atmodist import configuration
from atmodist.learning.devices import one_device, to_device
from atmodist.learning.losses import ContentLoss
from atmodist.learning.networks import Discriminator, Encoder, Generator
from atmodist.learning.resolution import coarsen
from atmodist.learning.saved import build

CONFIG = configuration.tidy(configuration.read(Path(__file__).parents[1] / "config/config.yaml"))
PAIRS, PATCHES = CONFIG["pairs"], CONFIG["patches"]
ATMODIST, SRGAN = CONFIG["atmodist"]["defaults"], CONFIG["srgan"]


@dataclass
class Work:
    """A step on a batch of ``size`` samples, and the paper's number of samples."""

    name: str
    unit: str
    step: object
    size: int
    paper: int


def pairs_of(split):
    """Pairs of a split with lags that the network knows; lags are drawn uniformly."""
    times = configuration.time_count(CONFIG, split) - PAIRS["max_lag"]
    return times * PAIRS["per_time"] * ATMODIST["classes"] // PAIRS["max_lag"]


def epochs(training):
    """Epochs of all phases of a duel."""
    return sum(phase["epochs"] for phase in training["phases"])


def works(device):
    """Every rule that computes with a network, on one device."""
    network = build(ATMODIST, PAIRS["patch"], VARIABLES).to(device.device, memory_format=torch.channels_last)
    content = ContentLoss(Encoder(2, ATMODIST["stages"], ATMODIST["blocks"]), "stage4")
    generator = Generator(2, **SRGAN["generator"])
    sizes = SRGAN["defaults"]["discriminator"]
    discriminator = Discriminator(2, PATCHES["patch"], sizes["channels"], sizes["dense"])
    for each in (content, generator, discriminator):
        each.to(device.device, memory_format=torch.channels_last)
    pairs = [to_device(device, torch.randn(16, 2, PAIRS["patch"], PAIRS["patch"])) for _ in range(2)]
    label = torch.zeros(16, dtype=torch.long, device=device.device)
    high = to_device(device, torch.randn(4, 2, PATCHES["patch"], PATCHES["patch"]))
    rows = 2 * (CONFIG["data"]["truncation"] + 1)
    frame = to_device(device, torch.randn(1, 2, rows // 4, rows // 2))

    def train_atmodist():
        network.train()
        with device.autocast():
            loss = F.cross_entropy(network(*pairs), label)
        loss.backward()

    def evaluate_atmodist():
        network.eval()
        with torch.inference_mode(), device.autocast():
            network(*pairs)

    def pretrain_generator():
        with device.autocast():
            loss = F.mse_loss(generator(coarsen(high)), high)
        loss.backward()

    def train_srgan():
        """The two regular steps; how often the extra ones are taken depends on the duel."""
        with device.autocast():
            fake = generator(coarsen(high))
            loss = discriminator(torch.cat((high, fake.detach()))).mean()
        loss.backward()
        discriminator.requires_grad_(False)
        with device.autocast():
            loss = content(high, fake).mean() + discriminator(fake).mean()
            loss.backward()
            generator(coarsen(high))  # to see whether an extra step is due
        discriminator.requires_grad_(True)
        with torch.no_grad(), device.autocast():
            discriminator(torch.cat((high, fake)))

    def evaluate_srgan():
        with torch.inference_mode():
            generator.super_resolve(frame)

    first, fields = ATMODIST["pretraining"], configuration.time_count(CONFIG, "train") * PATCHES["per_time"]
    trained = (
        ATMODIST["epochs"] * pairs_of("train") + first["epochs"] * first["batches"] * ATMODIST["batch_size"]
    )
    judged = (first["epochs"] + ATMODIST["epochs"]) * pairs_of("eval")
    models, frames = len(SRGAN["models"]), configuration.time_count(CONFIG, "eval")
    return [
        Work("train_atmodist", "pairs", train_atmodist, 16, trained),
        Work("evaluate_atmodist", "pairs", evaluate_atmodist, 16, judged),
        Work("pretrain_generator", "patches", pretrain_generator, 4, SRGAN["pretraining"]["epochs"] * fields),
        Work("train_srgan", "patches", train_srgan, 4, models * epochs(SRGAN["defaults"]) * fields),
        Work("evaluate_srgan", "frames", evaluate_srgan, 1, models * frames),
    ]


def main():
    """Print the table."""
    parser = hardware_parser(__doc__)
    parser.add_argument("--teraflops", type=float, default=100, help="kept up by the GPU of the projection")
    options = parser.parse_args()
    device = one_device(hardware_of(options))
    here = torch.cuda.get_device_name() if device.device.type == "cuda" else f"CPU, {options.threads} threads"
    print(f"Measured on {here}, {options.precision}; frames are super-resolved in float32.\n")
    projected = f"GPU-h at {options.teraflops:g} TFLOP/s, projected"
    print(f"| rule | in the paper | GFLOP each | EFLOP | each second here | days here | {projected} |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    totals = [0.0, 0.0, 0.0]
    for work in works(device):
        with FlopCounterMode(display=False) as counter:
            work.step()
        each = counter.get_total_flops() / work.size
        rate = bare_rate(work.step, work.size, device.device, repeats=2)
        numbers = (
            each * work.paper / 1e18,
            work.paper / rate / 86400,
            each * work.paper / options.teraflops / 3.6e15,
        )
        totals = [sum(pair) for pair in zip(totals, numbers, strict=True)]
        print(
            f"| {work.name} | {work.paper:.3g} {work.unit} | {each / 1e9:.2f} | {numbers[0]:.3f} "
            f"| {rate:.3g} | {numbers[1]:.1f} | {numbers[2]:.2f} |",
            flush=True,
        )
    print(f"| **all** | | | {totals[0]:.2f} | | {totals[1]:.0f} | {totals[2]:.1f} |")


if __name__ == "__main__":
    main()
