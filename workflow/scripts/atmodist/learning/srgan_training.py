"""Super-resolution GAN: the generator alone, then generator and discriminator in turn (Stengel et al. 2020).

Fields are normalised. The low-resolution input of a patch is its mean over 4 × 4 pixels, made on the device.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from atmodist.core.seeds import torch_seed
from atmodist.learning.devices import to_device
from atmodist.learning.losses import discriminator_loss, generator_loss
from atmodist.learning.networks import Discriminator, Generator
from atmodist.learning.resolution import coarsen
from atmodist.learning.training import Training
from atmodist.samples.batches import PatchBatches


def pretrain_generator(
    fabric: Fabric,
    paths: list[str],
    log: str | Path,
    weights: str | Path,
    identity: str,
    generator: dict[str, int],
    settings: dict[str, Any],
    batch_size: int,
    patch: int,
    variables: list[str],
    seed: int,
    hardware: dict[str, Any],
) -> None:
    """Train a generator with the mean squared error and Adam; write ``log`` and its last ``weights``."""
    torch.manual_seed(torch_seed(seed, "generator", "weights"))
    network = Generator(len(variables), **generator).to(memory_format=torch.channels_last)
    if hardware["compile"]:
        network.compile()
    optimiser = torch.optim.Adam(network.parameters(), settings["learning_rate"], foreach=True)
    model, stepper = fabric.setup(network, optimiser)
    data = PatchBatches(paths, patch, variables, batch_size, settings["batches"])
    order = torch_seed(seed, "generator", "order")

    parts = {"generator": network, "optimiser": optimiser}
    training = Training(fabric, log, identity, parts, hardware["checkpoint_minutes"], unit="patches")
    for _ in training.epochs(settings["epochs"]):
        for high in training.batches(data, order):
            high = to_device(fabric, high)
            loss = F.mse_loss(model(coarsen(high)), high)
            stepper.zero_grad()
            fabric.backward(loss)
            stepper.step()
            training.record(len(high), loss=loss)
        row = {"phase": "pre-training", "learning_rate": settings["learning_rate"], **training.means()}
        training.end_epoch(row, keep=["generator"])
    training.publish(last=weights)


def train_srgan(
    fabric: Fabric,
    paths: list[str],
    log: str | Path,
    weights: str | Path,
    identity: str,
    start: dict[str, Tensor],
    content: nn.Module | None,
    generator: dict[str, int],
    settings: dict[str, Any],
    patch: int,
    variables: list[str],
    seed: int,
    hardware: dict[str, Any],
) -> None:
    """Train a generator, from the weights ``start``, against a discriminator; write ``log`` and ``weights``.

    Without a ``content`` loss it is the mean squared error. Each phase of the settings starts with the
    weights of the one before and fresh moments of Adam, as in the original, which restores weights only.
    """
    seed_index = settings["seed_index"]
    torch.manual_seed(torch_seed(seed, "discriminator", "weights", seed_index))
    networks = {
        "generator": Generator(len(variables), **generator),
        "discriminator": Discriminator(
            len(variables), patch, settings["discriminator"]["channels"], settings["discriminator"]["dense"]
        ),
    }
    networks["generator"].load_state_dict(start)
    parts, models = dict(networks), {}
    for name, network in networks.items():
        network.to(memory_format=torch.channels_last)
        if hardware["compile"]:
            network.compile()
        parts[f"{name}_optimiser"] = torch.optim.Adam(network.parameters(), foreach=True)
        models[name] = fabric.setup(network, parts[f"{name}_optimiser"])
    duel = Duel(fabric, *models["generator"], *models["discriminator"], content, settings)
    data = PatchBatches(paths, patch, variables, settings["batch_size"], settings["batches"])
    order = torch_seed(seed, "srgan", "order", seed_index)

    rates = [phase["learning_rate"] for phase in settings["phases"] for _ in range(phase["epochs"])]
    first_epochs = np.cumsum([0, *(phase["epochs"] for phase in settings["phases"])])
    training = Training(fabric, log, identity, parts, hardware["checkpoint_minutes"], unit="patches")
    for epoch in training.epochs(len(rates)):
        for name in networks:
            optimiser = parts[f"{name}_optimiser"]
            optimiser.param_groups[0]["lr"] = rates[epoch]
            if epoch in first_epochs and training.batch == 0:
                optimiser.state.clear()
        for high in training.batches(data, order):
            training.record(len(high), **duel.step(to_device(fabric, high)))
        row = {"phase": "adversarial", "learning_rate": rates[epoch], **training.means()}
        training.end_epoch(row, keep=["generator", "discriminator"])
    training.publish(weights)


@contextmanager
def frozen(network: nn.Module) -> Iterator[nn.Module]:
    """The network without gradients of its weights: they pass through it only."""
    network.requires_grad_(False)
    yield network
    network.requires_grad_(True)


class Duel:
    """The steps of generator and discriminator on one batch."""

    def __init__(
        self, fabric, generator, generator_stepper, discriminator, discriminator_stepper, content, settings
    ):
        self.fabric = fabric
        self.generator, self.generator_stepper = generator, generator_stepper
        self.discriminator, self.discriminator_stepper = discriminator, discriminator_stepper
        self.content = content.to(fabric.device) if content else F.mse_loss
        self.weight = settings["adversarial_weight"]
        self.low = settings["discriminator"]["extra_generator_below"]
        self.high = settings["discriminator"]["extra_discriminator_above"]

    def step(self, high: Tensor) -> dict[str, Tensor | float]:
        """Train both networks on patches B×C×P×P (Stengel et al. 2020, and the original's code).

        Each network takes a step. If the discriminator's loss is then too low, the generator takes another
        and the loss is measured again; if it is too high, the discriminator takes another.

        Returns:
            The losses in the two regular steps; the shares of real and of generated patches about which the
            discriminator is right before its step; which of the extra steps were taken (1 or 0).
        """
        low = coarsen(high)
        fake = self.generator(low)
        before, right = self._discriminator_loss(high, fake)
        self._update(self.discriminator_stepper, before)
        losses = self._generator_losses(high, fake)
        self._update(self.generator_stepper, losses["loss"])

        fake = self.generator(low)
        now, level = self._measure(high, fake)
        extra_generator = level < self.low
        if extra_generator:
            self._update(self.generator_stepper, self._generator_losses(high, fake)["loss"])
            with torch.no_grad():
                fake = self.generator(low)
            now, level = self._measure(high, fake)
        extra_discriminator = level > self.high
        if extra_discriminator:
            self._update(self.discriminator_stepper, now)
        extra = {"extra_generator": float(extra_generator), "extra_discriminator": float(extra_discriminator)}
        return {**losses, "discriminator": before, **right, **extra}

    def _discriminator_loss(self, high, fake):
        """Loss of the discriminator, and how often it is right."""
        real, generated = self.discriminator(torch.cat((high, fake.detach()))).chunk(2)
        right = {
            "right_on_real": (real > 0).float().mean(),
            "right_on_generated": (generated < 0).float().mean(),
        }
        return discriminator_loss(real, generated), right

    def _measure(self, high, fake):
        """Loss of the discriminator, to descend, and its mean over all devices, to decide."""
        loss, _ = self._discriminator_loss(high, fake)
        return loss, self.fabric.all_reduce(loss.detach().clone(), reduce_op="mean").item()

    def _generator_losses(self, high, fake):
        with frozen(self.discriminator.module) as discriminator, self.fabric.autocast():
            adversarial = generator_loss(discriminator(fake).float())
            content = self.content(high, fake).mean()
        return {
            "loss": content + self.weight * adversarial,
            "content": content,
            "adversarial": adversarial,
        }

    def _update(self, stepper, loss):
        stepper.zero_grad()
        self.fabric.backward(loss)
        stepper.step()
