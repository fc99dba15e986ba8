"""Layers that this project computes in another way than PyTorch does.

    python benchmarks/layers.py [--device auto] [--threads 1] [--precision 32-true] [--repeats 5]

The last one of generator and decoder, a large kernel to two channels, in blocks; the encoder's deepest on
patches of 32 and 64 pixels, at a few points, as one matrix product. Milliseconds of a batch, forward and
backward, and how many times as fast ours are.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

import torch
from torch import nn
from training import bare_rate, hardware_of, hardware_parser

from atmodist.learning.devices import one_device
from atmodist.learning.networks import Convolution, ConvolutionToFew

# Name: layer; samples, channels, edge of the map.
CASES = {
    "generator of the demo": (ConvolutionToFew(32, 2, 9), 32, 32, 32),
    "generator of the study": (ConvolutionToFew(32, 2, 9), 32, 32, 64),
    "generator of the paper": (ConvolutionToFew(64, 2, 9), 8, 64, 96),
    "decoder of the paper": (ConvolutionToFew(16, 2, 8), 8, 16, 160),
    "stage 3 at 32 pixels": (Convolution(64, 64, 3, bias=False), 256, 64, 2),
    "stage 4 at 32 pixels": (Convolution(128, 128, 3, bias=False), 256, 128, 1),
    "stage 4 at 64 pixels": (Convolution(128, 128, 3, bias=False), 128, 128, 2),
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
    parser = hardware_parser(__doc__, threads=1, precision="32-true")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    device = one_device(hardware_of(options))
    print(f"{device.device}, {options.threads} threads, {options.precision}\n")
    print(f"{'':24s}{'PyTorch':>10s}{'ours':>10s}{'ratio':>8s}")
    for name, (ours, *batch) in CASES.items():
        kernel = ours.kernel_size
        plain = nn.Conv2d(
            ours.in_channels, ours.out_channels, kernel, padding="same", bias=ours.bias is not None
        )
        times = [
            1000 / bare_rate(step_of(layer, device, *batch), 1, device.device, options.repeats)
            for layer in (plain, ours)
        ]
        print(f"{name:24s}{times[0]:8.1f}ms{times[1]:8.1f}ms{times[0] / times[1]:8.2f}", flush=True)


if __name__ == "__main__":
    main()
