"""How networks descend: optimisers as Keras has them, and as each device computes them fastest."""

from collections.abc import Iterable

import torch
from lightning_fabric import Fabric
from torch import nn

from atmodist.learning import captured
from atmodist.learning.settings import LearningRateSchedule


def adam(fabric: Fabric, network: nn.Module, rate: float) -> torch.optim.Adam:
    """Adam with PyTorch's constants; on a GPU a single kernel that a graph can repeat.

    Keras' differ in epsilon, 1e-7 instead of 1e-8. A state that was saved on another kind of device can be
    loaded.
    """
    repeated = fabric.device.type == captured.DEVICE
    ways = {"foreach": not repeated, "fused": repeated, "capturable": repeated}
    optimiser = torch.optim.Adam(network.parameters(), rate, **ways)

    def keep_ways(_, state):
        return {**state, "param_groups": [group | ways for group in state["param_groups"]]}

    optimiser.register_load_state_dict_pre_hook(keep_ways)
    return optimiser


@torch.no_grad()
def clip_each(parameters: Iterable[nn.Parameter], norm: float) -> None:
    """Scale each parameter's gradient to at most this norm, as Keras' ``clipnorm`` does."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    factors = (norm / torch.stack(torch._foreach_norm(gradients))).clamp(max=1)
    torch._foreach_mul_(gradients, list(factors.unbind()))


def reduce_on_plateau(
    optimiser: torch.optim.Optimizer, settings: LearningRateSchedule
) -> torch.optim.lr_scheduler.ReduceLROnPlateau:
    """Keras' ``ReduceLROnPlateau``: it acts in the ``patience``-th bad epoch, PyTorch's in the one after."""
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        factor=settings.factor,
        patience=settings.patience - 1,
        threshold=settings.threshold,
        threshold_mode="abs",
        min_lr=settings.floor,
    )
