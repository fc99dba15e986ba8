"""Training of the autoencoder, on single patches, and of inpainting with the same network.

The original trains the autoencoder like AtmoDist, with Nesterov's momentum, and inpainting with Adam.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from atmodist.core.seeds import torch_seed
from atmodist.learning.autoencoder import build
from atmodist.learning.captured import CapturedStep
from atmodist.learning.devices import lay_out, to_device
from atmodist.learning.inpainting import InpaintingLoss, erased
from atmodist.learning.losses import ContentLoss, add_weight_penalty, kernels
from atmodist.learning.optimisers import adam, clip_each, reduce_on_plateau
from atmodist.learning.settings import AutoencoderSettings, InpaintingSettings
from atmodist.learning.training import TrainingJob, TrainingRun
from atmodist.samples.batches import PairBatches


def train_autoencoder(fabric: Fabric, job: TrainingJob, settings: AutoencoderSettings) -> None:
    """Train an autoencoder on both patches of each pair; write the table and the weights of every epoch.

    As in Keras, the L2 penalty is part of the loss: its gradient is clipped with the rest, and the
    learning-rate schedule watches their sum.
    """
    network = _seeded(job, settings, "autoencoder")
    optimiser = torch.optim.SGD(
        network.parameters(), settings.learning_rate, settings.momentum, nesterov=True, foreach=True
    )
    schedule = reduce_on_plateau(optimiser, settings.learning_rate_schedule)
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}

    def losses(model, patches):
        return {"loss": F.mse_loss(model(patches).float(), patches)}

    _train(fabric, job, settings, parts, losses, "autoencoder")


def train_inpainting(
    fabric: Fabric, job: TrainingJob, content: ContentLoss | None, settings: InpaintingSettings
) -> None:
    """Train the same network to fill the square that is erased from its input, with Adam.

    Models that differ in their loss alone start from the same weights and see the same batches.
    """
    network = _seeded(job, settings, "inpainting")
    optimiser = adam(fabric, network, settings.learning_rate)
    of_square = lay_out(InpaintingLoss(content).to(fabric.device), job.hardware)

    def losses(model, patches):
        found = model(erased(patches))
        with fabric.autocast():
            return of_square(patches, found)

    _train(fabric, job, settings, {"network": network, "optimiser": optimiser}, losses, "inpainting")


def _seeded(job, settings, kind):
    torch.manual_seed(torch_seed(job.seed, kind, "weights", settings.seed_index))
    network = build(asdict(settings), job.samples.patch, job.samples.variables)
    return lay_out(network, job.hardware)


def _train(
    fabric: Fabric,
    job: TrainingJob,
    settings: AutoencoderSettings | InpaintingSettings,
    parts: dict[str, Any],
    losses: Callable[[nn.Module, Tensor], dict[str, Tensor]],
    kind: str,
) -> None:
    """Train ``parts["network"]`` with the ``loss`` that ``losses`` makes of it and a batch of patches."""
    network, optimiser, schedule = parts["network"], parts["optimiser"], parts.get("schedule")
    model, stepper = fabric.setup(network, optimiser)
    parameters, penalised = list(network.parameters()), kernels(network)
    pairs = PairBatches(job.samples, settings.batch_size // 2, settings.batches)
    order = torch_seed(job.seed, kind, "order", settings.seed_index)

    def step(first, second):
        """Take a step; its losses."""
        patches = torch.cat((to_device(fabric, first), to_device(fabric, second)))
        values = losses(model, patches)
        stepper.zero_grad()
        fabric.backward(values["loss"])
        penalty = add_weight_penalty(penalised, settings.weight_penalty)
        clip_each(parameters, settings.gradient_norm)
        stepper.step()
        return {**values, "penalty": penalty}

    training = TrainingRun(fabric, job, parts, unit="pairs")
    for _ in training.epochs(settings.epochs):
        model.train()
        take = CapturedStep(fabric, step, job.hardware.cuda_graphs)
        for first, second, _ in training.batches(pairs, order):
            training.record(len(first), **take(first, second))
        means = training.means()
        rate = optimiser.param_groups[0]["lr"]
        if schedule:
            schedule.step(means["loss"] + means["penalty"])
        training.end_epoch({"phase": "training", "learning_rate": rate, **means}, keep=["network"])
    training.publish(weights=job.weights)
