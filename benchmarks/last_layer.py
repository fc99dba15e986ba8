"""The last layer of generator and decoder, a large kernel to two channels: in blocks, and PyTorch's way.

    python benchmarks/last_layer.py [--device auto] [--threads 1] [--repeats 5]

Milliseconds of a batch, forward and backward, and how many times faster the blocks are.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import torch
from training import bare_rate
from trainings import CPU

from atmodist.learning.devices import one_device
from atmodist.learning.networks import Convolution, ConvolutionToFew

# Name: samples, channels, edge of the patch, kernel.
CASES = {
    "generator of the demo": (32, 32, 32, 9),
    "generator of the study": (32, 32, 64, 9),
    "generator of the paper": (8, 64, 96, 9),
    "decoder of the paper": (8, 16, 160, 8),
}


def step_of(layer, device, size, channels, patch):
    """Forward and backward of a layer on one batch that stays on the device."""
    x = torch.randn(size, channels, patch, patch, device=device.device, requires_grad=True)
    x.data = x.data.to(memory_format=torch.channels_last)
    layer.to(device.device, memory_format=torch.channels_last)

    def step():
        with device.autocast():
            y = layer(x)
        y.float().square().mean().backward()

    return step


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "gpu"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="32-true", choices=["bf16-mixed", "32-true"])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    chosen = {name: getattr(options, name) for name in ("device", "threads", "precision")}
    device = one_device(replace(CPU, **chosen))
    print(f"{device.device}, {options.threads} threads, {options.precision}\n")
    print(f"{'':24s}{'PyTorch':>10s}{'blocks':>10s}{'ratio':>8s}")
    for name, (size, channels, patch, kernel) in CASES.items():
        plain, blocks = (
            1000 / bare_rate(step_of(layer, device, size, channels, patch), 1, device.device, options.repeats)
            for layer in (Convolution(channels, 2, kernel), ConvolutionToFew(channels, 2, kernel))
        )
        print(f"{name:24s}{plain:8.1f}ms{blocks:8.1f}ms{plain / blocks:8.2f}", flush=True)


if __name__ == "__main__":
    main()
