"""What the networks minimise.

Sources: Hoffmann & Lessig (2023) for the classification, the content loss and its scale; Stengel et al.
(2020) for the adversarial losses.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from atmodist.learning.networks import Encoder


def kernels(network: nn.Module) -> list[nn.Parameter]:
    """Weights under the L2 penalty: those of convolutions and dense layers, no biases, no normalisation."""
    return [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


@torch.no_grad()
def add_weight_penalty(weights: list[nn.Parameter], factor: float) -> Tensor:
    """Add Keras' L2 regularisation factor·Σw² to a loss whose gradients are there; its value.

    PyTorch would call its gradient a weight decay of 2·factor. Left to autograd it takes 4 % of a step.
    """
    torch._foreach_add_([weight.grad for weight in weights], weights, alpha=2 * factor)
    return factor * torch.stack(torch._foreach_norm(weights)).square().sum()


class ContentLoss(nn.Module):
    """Distance of fields as a trained encoder sees them: mean of (E(x) − E(x̂))² over channels and space.

    The encoder is frozen and stays in evaluation mode; ``layer`` is "stage1" … "stage4"; ``scale`` multiplies
    the distance.
    """

    def __init__(self, encoder: Encoder, layer: str, scale: float = 1.0):
        super().__init__()
        self.encoder = encoder.requires_grad_(False).eval()
        self.layer, self.scale = layer, scale

    def train(self, mode: bool = True) -> "ContentLoss":
        """Stay in evaluation mode."""
        return self

    def forward(self, truth: Tensor, estimate: Tensor) -> Tensor:
        """Distance B of normalised fields B×C×H×W, one value a sample."""
        return self.scale * halves_apart(self.encoder.features(torch.cat((truth, estimate)), self.layer))


def halves_apart(features: Tensor) -> Tensor:
    """Mean squared difference B, over channels and space, between the halves of a batch 2B×C×H×W."""
    expected, found = features.float().chunk(2)
    return (expected - found).square().mean(dim=(1, 2, 3))


def generator_loss(fake: Tensor) -> Tensor:
    """Sigmoid cross-entropy of the discriminator's logits of generated fields against "real"."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean sigmoid cross-entropy over real (1) and generated (0) fields together, from the logits."""
    return torch.cat((F.softplus(-real), F.softplus(fake))).mean()
