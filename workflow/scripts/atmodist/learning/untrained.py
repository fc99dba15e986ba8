"""An encoder that was never trained: the control of everything that a trained one is said to have learned.

Random convolutions are known to make good distances and features already, so what training adds can only be
told beside them.
"""

from collections.abc import Iterable
from typing import Any

import torch

from atmodist.core.seeds import torch_seed
from atmodist.learning.devices import Device, to_device
from atmodist.learning.networks import Encoder, initialise
from atmodist.learning.saved import encoder_of


def random_encoder(settings: dict[str, Any], variables: list[str], seed: int) -> Encoder:
    """An encoder with weights drawn as a training run draws those that it starts from."""
    torch.manual_seed(torch_seed(seed, "untrained", "weights", settings["seed_index"]))
    encoder = encoder_of(settings, variables)
    initialise(encoder)
    return encoder


@torch.no_grad()
def measure_statistics(device: Device, encoder: Encoder, batches: Iterable) -> None:
    """Set the moving statistics of every batch normalisation to their means over batches of pairs.

    Without them each residual block would add its own variance, and the deep stages see little but its sum.
    """
    encoder.to(device.device, memory_format=torch.channels_last).train()
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the mean over all batches instead of a moving one
    for first, second, _ in batches:
        with device.autocast():
            encoder(torch.cat((to_device(device, first), to_device(device, second))))
    encoder.eval()
