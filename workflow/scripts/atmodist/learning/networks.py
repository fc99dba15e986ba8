"""The networks of AtmoDist and of its super-resolution GAN, each layer in the order of the papers.

AtmoDist: Hoffmann & Lessig (2023), Environmental Data Science 2, section 3.2 and appendix A.
Super-resolution: Stengel et al. (2020), PNAS 117(29), with LeakyReLU instead of ReLU in the generator.

Convolutions keep the alignment of TensorFlow's `SAME` padding, in which the originals were written, so that a
pixel of a feature map lies where it lay there and Keras weights can be loaded.
"""

import math
from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from atmodist.learning import resolution
from atmodist.learning.sizes import LAYERS


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros that TensorFlow's `SAME` puts before and after an axis, to get ceil(size / stride) outputs."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


SMALL = 4
"""Points of a map up to which a `Convolution` is one matrix product."""


def weights_met(weight: Tensor, axis: int, size: int, stride: int) -> list[Tensor]:
    """Of each output along an axis, the weights of ``size`` inputs: those that do not meet padding."""
    kernel = weight.shape[axis]
    first = same_padding(size, kernel, stride)[0]
    starts = [first - stride * output for output in range(math.ceil(size / stride))]
    before, after = max(-starts[-1], 0), max(first + size - kernel, 0)
    if before or after:  # the kernel does not reach from each output to each input
        weight = F.pad(weight, [0, 0] * (weight.dim() - 1 - axis) + [before, after])
    return [weight.narrow(axis, before + start, size) for start in starts]


class Convolution(nn.Conv2d):
    """Square convolution with TensorFlow's `SAME` padding."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = True):
        symmetric = stride == 1 and kernel % 2 == 1
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 if symmetric else 0, bias=bias)
        self.symmetric = symmetric

    def forward(self, x: Tensor) -> Tensor:
        """B×C×H×W → B×D×⌈H/s⌉×⌈W/s⌉ at stride s."""
        if x.shape[-2] * x.shape[-1] <= SMALL:
            return self.product(x)
        return super().forward(self.padded(x))

    def product(self, x: Tensor) -> Tensor:
        """The same by one matrix, from all points of a small map to all of its outputs.

        Most of what a kernel meets there is padding, which libraries do not leave out.
        """
        weight = self.weight.permute(0, 2, 3, 1)  # D×K×K×C, from here to rows × columns × D×H×W×C
        for number, size in enumerate(x.shape[-2:]):
            weight = torch.stack(weights_met(weight, 1 + 2 * number, size, self.stride[0]), number)
        rows, columns = weight.shape[:2]
        bias = None if self.bias is None else self.bias.repeat(rows * columns)
        outputs = F.linear(x.permute(0, 2, 3, 1).flatten(1), weight.flatten(3).flatten(0, 2), bias)
        return outputs.unflatten(1, (rows, columns, -1)).permute(0, 3, 1, 2)

    def padded(self, x: Tensor) -> Tensor:
        """``x`` with the zeros that are not the same on all sides, and so not of PyTorch's padding."""
        if self.symmetric:
            return x
        rows, columns = (same_padding(size, self.kernel_size[0], self.stride[0]) for size in x.shape[-2:])
        return F.pad(x, (*columns, *rows))


class ConvolutionToFew(Convolution):
    """The same at stride 1, for few output channels and sizes that are multiples of 4.

    Libraries compute channels in groups of 16, most of which two variables would leave idle. So each block of
    2×4 points becomes as many channels, of a strided convolution with the kernel at each place in the block:
    half as many operations more, in a third to a half of the time in float32 (benchmarks/layers.py, on CPUs).
    """

    BLOCK = (2, 4)

    def forward(self, x: Tensor) -> Tensor:
        """B×C×H×W → B×D×H×W."""
        rows, columns = self.BLOCK
        places = [(i, j) for i in range(rows) for j in range(columns)]
        kernels = [F.pad(self.weight, (j, columns - 1 - j, i, rows - 1 - i)) for i, j in places]
        bias = self.bias.repeat(len(places))
        blocks = F.conv2d(self.padded(x), torch.cat(kernels), bias, self.BLOCK, self.padding)
        split = blocks.unflatten(1, (rows, columns, -1)).permute(0, 3, 4, 1, 5, 2)  # B×D×H/2×2×W/4×4
        return split.flatten(2, 3).flatten(-2)


def max_pool(x: Tensor) -> Tensor:
    """Maximum of 3×3 points at stride 2, aligned like TensorFlow's `SAME`: B×C×H×W → B×C×⌈H/2⌉×⌈W/2⌉."""
    before = (x.shape[-2] % 2, x.shape[-1] % 2)
    return F.max_pool2d(x, 3, 2, padding=before, ceil_mode=True)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with Keras' constants; its momentum 0.99 is 0.01 in PyTorch's convention."""
    return nn.BatchNorm2d(channels, eps=1.001e-5, momentum=0.01)


@torch.no_grad()
def truncated_normal(weight: Tensor, variance: float) -> None:
    """Values of a variance, from a normal distribution cut off at two deviations, as Keras draws them."""
    deviation = math.sqrt(variance) / 0.87962566103423978  # that of N(0, 1) cut off at ±2
    nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)


def he_normal(weight: Tensor) -> None:
    """Keras' `he_normal`: variance 2 / fan-in."""
    truncated_normal(weight, 2 / weight[0].numel())


def initialise(network: nn.Module) -> None:
    """He-normal kernels of all convolutions and dense layers, biases zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            he_normal(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


# --- AtmoDist -------------------------------------------------------------------------------------


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut: the identity, or a 1×1 convolution to another shape."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.convolution1 = Convolution(inputs, outputs, 3, stride, bias=False)
        self.norm1 = batch_norm(outputs)
        self.convolution2 = Convolution(outputs, outputs, 3, bias=False)
        self.norm2 = batch_norm(outputs)
        changes = inputs != outputs or stride != 1
        self.shortcut = Convolution(inputs, outputs, 1, stride, bias=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """B×C×H×W → B×D×⌈H/s⌉×⌈W/s⌉ at stride s."""
        y = F.relu(self.norm1(self.convolution1(x)))
        y = self.norm2(self.convolution2(y))
        return F.relu(y + self.shortcut(x))


class Encoder(nn.Module):
    """The representation network; stages 1 to 4 are the blocks 1 to 4 of the original's "ResnetSmall"."""

    def __init__(self, variables: int = 2, stages: Sequence[int] = (16, 32, 64, 128), blocks: int = 6):
        super().__init__()
        self.channels = tuple(stages)
        self.layers = LAYERS[: len(stages)]
        self.stem = nn.Sequential(Convolution(variables, stages[0], 8, 2), batch_norm(stages[0]), nn.ReLU())
        self.stages = nn.ModuleList()
        inputs = stages[0]
        for number, outputs in enumerate(stages):
            first = ResidualBlock(inputs, outputs, stride=1 if number == 0 else 2)
            rest = (ResidualBlock(outputs, outputs, stride=1) for _ in range(blocks - 1))
            self.stages.append(nn.Sequential(first, *rest))
            inputs = outputs

    def features_until(self, x: Tensor, layer: str) -> dict[str, Tensor]:
        """Outputs of "stage1" … ``layer``: B×C×H×W → B×16×H/4×W/4 … B×128×H/32×W/32 (settings of the paper).

        Stages 3 and 4 are the layers 148 and 196 of the original.
        """
        x = max_pool(self.stem(x))
        found = {}
        for name, stage in zip(LAYERS[: LAYERS.index(layer) + 1], self.stages, strict=False):
            x = found[name] = stage(x)
        return found

    def features(self, x: Tensor, layer: str) -> Tensor:
        """Output of ``layer`` alone, as `features_until` gives it."""
        return self.features_until(x, layer)[layer]

    def forward(self, x: Tensor) -> Tensor:
        """Output of the last stage."""
        return self.features(x, self.layers[-1])


class SiameseNetwork(nn.Module):
    """How far apart in time are two patches? One encoder for both, then a classifier of the lag.

    The two patches pass the encoder as one batch and so share its batch statistics. The original passes them
    one after the other: the same network, a little slower to train.
    """

    def __init__(self, encoder: Encoder, patch: int, classes: int):
        super().__init__()
        self.encoder = encoder
        channels = encoder.channels[-1]
        size = math.ceil(patch / 2 ** (len(encoder.channels) + 2))
        self.tail = nn.Sequential(
            Convolution(2 * channels, channels, 3, 2),
            batch_norm(channels),
            nn.ReLU(),
            Convolution(channels, channels, 3),
            batch_norm(channels),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(channels * size**2, classes, bias=False),
        )
        initialise(self)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits B×K of the lags 1 … K between two patches B×C×P×P."""
        encodings = self.encoder(torch.cat((first, second)))
        return self.tail(torch.cat(encodings.chunk(2), dim=1))


# --- Super-resolution -----------------------------------------------------------------------------


def xavier(network: nn.Module) -> None:
    """Xavier (Glorot) uniform initialisation of every convolution, biases zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)


def leaky() -> nn.LeakyReLU:
    """The activation of both networks of the GAN."""
    return nn.LeakyReLU(0.2)


class GeneratorBlock(nn.Module):
    """Residual block without normalisation or activation behind the sum."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            Convolution(channels, channels, 3), leaky(), Convolution(channels, channels, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """B×C×H×W → B×C×H×W."""
        return x + self.body(x)


class SubPixel(nn.Sequential):
    """Doubles the resolution: convolution to 4 channels an output channel, then a pixel shuffle."""

    def __init__(self, channels: int):
        super().__init__(Convolution(channels, 4 * channels, 3), nn.PixelShuffle(2), leaky())

    def initialise(self) -> None:
        """ICNR (Aitken et al. 2017): the four sub-pixels start equal, so that no checkerboard appears.

        The variance is Xavier's of the whole kernel, with the fan-out of all four, as in the original.
        """
        kernel = nn.init.xavier_uniform_(torch.empty_like(self[0].weight))[::4]
        self[0].weight.data = kernel.repeat_interleave(4, dim=0)
        nn.init.zeros_(self[0].bias)


UP_REACH = 3
"""Points of the low resolution on each side that reach an output point behind the generator's body."""


class Generator(nn.Module):
    """Fourfold super-resolution, fully convolutional."""

    def __init__(self, variables: int = 2, channels: int = 64, blocks: int = 16):
        super().__init__()
        self.halo = 4 + 2 * blocks + 1 + UP_REACH  # low-resolution pixels that reach an output pixel
        self.head = nn.Sequential(Convolution(variables, channels, 9), leaky())
        self.body = nn.Sequential(
            *(GeneratorBlock(channels) for _ in range(blocks)), Convolution(channels, channels, 3)
        )
        self.up = nn.Sequential(SubPixel(channels), SubPixel(channels))
        self.tail = ConvolutionToFew(channels, variables, 9)
        xavier(self)
        for up in self.up:
            up.initialise()

    def forward(self, low: Tensor, crop: int = 0) -> Tensor:
        """B×C×h×w → B×C×4h×4w, without what lies in the outermost ``crop`` points of ``low``."""
        x = self.head(low)
        x = x + self.body(x)
        return self.tail(self.up(x[..., crop : x.shape[-2] - crop, crop : x.shape[-1] - crop]))

    def super_resolve(self, low: Tensor) -> Tensor:
        """Global fields B×C×H×W → B×C×4H×4W as if they had no edge; see `resolution.super_resolve`.

        Where the resolution is high, no more of the halo is computed than its layers reach.
        """
        crop = partial(self, crop=self.halo - UP_REACH)
        return resolution.super_resolve(crop, low, self.halo, kept=UP_REACH)


class Discriminator(nn.Module):
    """Classifies patches as real or generated."""

    def __init__(self, variables: int = 2, patch: int = 96, channels: int = 32, dense: int = 1024):
        super().__init__()
        layers, inputs = [], variables
        for outputs in (channels, 2 * channels, 4 * channels, 8 * channels):
            layers += [Convolution(inputs, outputs, 3), leaky(), Convolution(outputs, outputs, 3, 2), leaky()]
            inputs = outputs
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(inputs * math.ceil(patch / 16) ** 2, dense), leaky(), nn.Linear(dense, 1)
        )
        xavier(self)
        for module in (self.dense[1], self.dense[3]):
            nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
            nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logit B×1 that a patch B×C×P×P is real."""
        return self.dense(self.convolutions(x))
