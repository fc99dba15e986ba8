"""The autoencoder, the baseline for what AtmoDist's task adds: its encoder, and a decoder behind it.

"AutoencoderSmall" of the original work. Inpainting trains the same network. No connection skips the encoding.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from atmodist.learning.networks import (
    Convolution,
    ConvolutionToFew,
    Encoder,
    ResidualBlock,
    batch_norm,
    initialise,
    truncated_normal,
)
from atmodist.learning.saved import encoder_of


@torch.no_grad()
def glorot_normal(weight: Tensor) -> None:
    """Keras' `glorot_normal`: variance 2 / (fan-in + fan-out)."""
    truncated_normal(weight, 2 / (weight[0].numel() + weight[:, 0].numel()))


class SpatialMixing(nn.Module):
    """One dense layer over all positions of a feature map, the same for every channel."""

    def __init__(self, size: int):
        super().__init__()
        self.dense = nn.Linear(size**2, size**2)

    def forward(self, x: Tensor) -> Tensor:
        """B×C×S×S → B×C×S×S."""
        return self.dense(x.flatten(2)).reshape(x.shape)


def up_blocks(inputs: int, outputs: int, count: int) -> list[nn.Module]:
    """``count`` residual blocks at stride 1, before the last of which the map is doubled bilinearly."""
    blocks = [ResidualBlock(inputs if n == 0 else outputs, outputs, stride=1) for n in range(count)]
    return [*blocks[:-1], nn.Upsample(scale_factor=2, mode="bilinear"), blocks[-1]]


class Decoder(nn.Module):
    """From the output of an encoder's last stage back to the patch; each stage of the encoder backwards.

    ``stages`` and ``blocks`` are those of the encoder, ``patch`` is the edge of the patches in pixels, which
    32 divides. A patch of another size cannot be decoded: the spatial mixing is of one size.
    """

    def __init__(self, variables: int, stages: tuple[int, ...], blocks: int, patch: int):
        super().__init__()
        size, deep = patch // 32, stages[-1]
        self.spatial = nn.Sequential(SpatialMixing(size), batch_norm(deep), nn.ReLU())
        self.channel = nn.Sequential(Convolution(deep, deep, 1), batch_norm(deep), nn.ReLU())
        up, inputs = up_blocks(deep, stages[-2], 1), stages[-2]
        for outputs in stages[-2::-1]:
            up += up_blocks(inputs, outputs, blocks)
            inputs = outputs
        self.up = nn.Sequential(*up, *up_blocks(inputs, inputs, 1))
        self.tail = ConvolutionToFew(inputs, variables, 8)

    def forward(self, encoding: Tensor) -> Tensor:
        """B×D×P/32×P/32 → B×C×P×P."""
        return self.tail(self.up(self.channel(self.spatial(encoding))))


class Autoencoder(nn.Module):
    """Encoder and decoder; normalised patches in, normalised patches out.

    All kernels start He-normal like the encoder's, the last one Glorot-normal; biases are zero.
    """

    def __init__(self, encoder: Encoder, variables: int, blocks: int, patch: int):
        super().__init__()
        self.encoder = encoder
        self.decoder = Decoder(variables, encoder.channels, blocks, patch)
        initialise(self)
        glorot_normal(self.decoder.tail.weight)

    def forward(self, patch: Tensor) -> Tensor:
        """B×C×P×P → B×C×P×P."""
        return self.decoder(self.encoder(patch))


def build(settings: dict[str, Any], patch: int, variables: Sequence[str]) -> Autoencoder:
    """The network of an autoencoder's or an inpainting model's settings, with random weights."""
    return Autoencoder(encoder_of(settings, variables), len(variables), settings["blocks"], patch)
