"""Small networks with random weights as model folders, for the tests of what reads them."""

import os

import torch
from torch import nn

from atmodist import model_folder
from atmodist.model_folder import ModelConfig
from atmodist.samples.normalise import Moments

MOMENTS = Moments(
    variables=("divergence", "vorticity"),
    mean=(1e-8, 2e-7),
    std=(3e-5, 5e-5),
    log_mean=(1e-3, 3e-4),
    log_std=(0.158, 0.160),
    alpha=0.2,
    samples=1000,
    start="1979-01-01T00",
    end="1998-12-31T21",
)
SIZES = {
    "atmodist": {"stages": [4, 6, 8, 10], "blocks": 1, "patch": 32, "classes": 5},
    "encoder": {"stages": [4, 6, 8, 10], "blocks": 1},
    "generator": {"channels": 4, "blocks": 1},
}


def config(kind="atmodist", **changes):
    """A config of the small network of a kind, on a grid of 64 rows."""
    settings = {
        "kind": kind,
        "name": f"tiny-{kind}",
        "network": SIZES[kind],
        "moments": MOMENTS,
        "units": ("s-1", "s-1"),
        "level": "model level 120",
        "grid_spacing": 180 / 64,
        "step_hours": 3,
        "latitude": (-40.0, 40.0),
        "scales": {"stage1": 2.0, "stage2": 3.0} if kind == "atmodist" else {},
    }
    return ModelConfig(**settings | changes)


@torch.no_grad()
def network(about, seed=0):
    """Random weights and, so that normalisation does something, random statistics."""
    torch.manual_seed(seed)
    built = model_folder.build(about)
    for module in built.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(std=0.3)
    return built.eval()


def write(folder, kind="atmodist", seed=0, **changes):
    """Write a model folder and return its network and config."""
    about = config(kind, **changes)
    built = network(about, seed)
    model_folder.save(folder, built, about, f"# {about.name}\n")
    return built, about


class Trap:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def with_moving_statistics(network):
    """The number of parameters as Keras counts them, those of BatchNorm that move included."""
    buffers = (b for name, b in network.named_buffers() if "running" in name)
    return sum(t.numel() for t in (*network.parameters(), *buffers))


def physical(*shape, seed=0):
    """Random fields of the moments' size, in s-1."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) * torch.tensor(MOMENTS.std)[:, None, None]
