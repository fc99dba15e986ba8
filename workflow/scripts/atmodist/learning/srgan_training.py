"""Super-resolution GAN: the generator alone, then generator and discriminator in turn (Stengel et al. 2020).

Fields are normalised. The low-resolution input of a patch is its mean over 4 × 4 pixels, made on the device.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from atmodist.core.seeds import torch_seed
from atmodist.learning.captured import CapturedStep
from atmodist.learning.devices import lay_out, to_device
from atmodist.learning.losses import discriminator_loss, generator_loss
from atmodist.learning.networks import Discriminator, Generator
from atmodist.learning.optimisers import adam
from atmodist.learning.resolution import coarsen
from atmodist.learning.saved import restore
from atmodist.learning.settings import GeneratorSettings, GeneratorTraining, SRGANSettings
from atmodist.learning.training import TrainingJob, TrainingRun
from atmodist.samples.batches import PatchBatches


def pretrain_generator(
    fabric: Fabric, job: TrainingJob, generator: GeneratorSettings, settings: GeneratorTraining
) -> None:
    """Train a generator with the mean squared error and Adam; write the table and its last weights."""
    torch.manual_seed(torch_seed(job.seed, "generator", "weights"))
    network = Generator(len(job.samples.variables), generator.channels, generator.blocks)
    lay_out(network, job.hardware)
    optimiser = adam(fabric, network, settings.learning_rate)
    model, stepper = fabric.setup(network, optimiser)
    patches = PatchBatches(job.samples, settings.batch_size, settings.batches)
    order = torch_seed(job.seed, "generator", "order")

    def step(high):
        """Take a step; its loss."""
        high = to_device(fabric, high)
        loss = F.mse_loss(model(coarsen(high)), high)
        stepper.zero_grad()
        fabric.backward(loss)
        stepper.step()
        return {"loss": loss}

    training = TrainingRun(fabric, job, {"generator": network, "optimiser": optimiser}, unit="patches")
    for _ in training.epochs(settings.epochs):
        take = CapturedStep(fabric, step, job.hardware.cuda_graphs)
        for high in training.batches(patches, order):
            training.record(len(high), **take(high))
        row = {"phase": "pre-training", "learning_rate": settings.learning_rate, **training.means()}
        training.end_epoch(row, keep=["generator"])
    training.publish(last=job.weights)


def train_srgan(
    fabric: Fabric,
    job: TrainingJob,
    start: str | Path,
    content: nn.Module | None,
    generator: GeneratorSettings,
    settings: SRGANSettings,
) -> None:
    """Train a generator, from the weights in ``start``, against a discriminator; write the table and weights.

    Without a ``content`` loss it is the mean squared error. Each phase of the settings starts with the
    weights of the one before and fresh moments of Adam, as in the original, which restores weights only.
    """
    samples, sizes = job.samples, settings.discriminator
    torch.manual_seed(torch_seed(job.seed, "discriminator", "weights", settings.seed_index))
    networks = {
        "generator": Generator(len(samples.variables), generator.channels, generator.blocks),
        "discriminator": Discriminator(len(samples.variables), samples.patch, sizes.channels, sizes.dense),
    }
    restore(networks["generator"], start, "generator")
    optimisers, players = {}, {}
    for name, network in networks.items():
        lay_out(network, job.hardware)
        optimisers[name] = adam(fabric, network, settings.phases[0].learning_rate)
        players[name] = Player(*fabric.setup(network, optimisers[name]))
    if content is not None:
        lay_out(content, job.hardware)
    patches = PatchBatches(samples, settings.batch_size, settings.batches)
    order = torch_seed(job.seed, "srgan", "order", settings.seed_index)

    rates = [phase.learning_rate for phase in settings.phases for _ in range(phase.epochs)]
    first_epochs = np.cumsum([0, *(phase.epochs for phase in settings.phases)])
    parts = networks | {f"{name}_optimiser": optimiser for name, optimiser in optimisers.items()}
    training = TrainingRun(fabric, job, parts, unit="patches")
    for epoch in training.epochs(len(rates)):
        for optimiser in optimisers.values():
            optimiser.param_groups[0]["lr"] = rates[epoch]
            if epoch in first_epochs and training.batch == 0:
                optimiser.state.clear()
        duel = Duel(fabric, **players, content=content, settings=settings, captures=job.hardware.cuda_graphs)
        for high in training.batches(patches, order):
            training.record(len(high), **duel.step(high))
        row = {"phase": "adversarial", "learning_rate": rates[epoch], **training.means()}
        training.end_epoch(row, keep=list(networks))
    training.publish(weights=job.weights)


@contextmanager
def frozen(network: nn.Module) -> Iterator[nn.Module]:
    """The network without gradients of its weights: they pass through it only."""
    network.requires_grad_(False)
    yield network
    network.requires_grad_(True)


@dataclass
class Player:
    """A network of the duel and its optimiser, both set up by Fabric."""

    network: nn.Module
    optimiser: torch.optim.Optimizer

    def descend(self, fabric: Fabric, loss: Tensor) -> None:
        """Take a step down the gradient of a loss."""
        self.optimiser.zero_grad()
        fabric.backward(loss)
        self.optimiser.step()


class Duel:
    """The steps of generator and discriminator, for an epoch: their learning rates must not change."""

    def __init__(
        self,
        fabric: Fabric,
        generator: Player,
        discriminator: Player,
        content: nn.Module | None,
        settings: SRGANSettings,
        captures: bool = True,
    ):
        content = F.mse_loss if content is None else content.to(fabric.device)
        self.steps = steps = Steps(fabric, generator, discriminator, content, settings.adversarial_weight)
        self.low = settings.discriminator.extra_generator_below
        self.high = settings.discriminator.extra_discriminator_above
        self._generator_alone, self._both, self._generator_again, self._discriminator_again = (
            CapturedStep(fabric, step, captures)
            for step in (steps.alone, steps.both, steps.of_generator, steps.of_discriminator)
        )

    def step(self, high: Tensor) -> dict[str, Tensor | float]:
        """Train both networks on patches B×C×P×P (Stengel et al. 2020, and the original's code).

        Each network takes a step. If the discriminator's loss is then too low, the generator takes another
        and the loss is measured again; if it is too high, the discriminator takes another. Where the
        adversarial loss has no weight there is no duel: the generator takes a step down the content loss.

        Returns:
            The losses in the two regular steps; the shares of real and of generated patches about which the
            discriminator is right before its step; which of the extra steps were taken (1 or 0). Without a
            duel, ``loss`` and ``content``, which are then the same.
        """
        if not self.steps.weight:
            return self._generator_alone(high)
        losses, fake, now = self._both(high)
        level = self._of_all_devices(now)
        extra_generator = level < self.low
        if extra_generator:
            fake, now = self._generator_again(high)
            level = self._of_all_devices(now)
        extra_discriminator = level > self.high
        if extra_discriminator:
            self._discriminator_again(high, fake)
        extra = {"extra_generator": float(extra_generator), "extra_discriminator": float(extra_discriminator)}
        return {**losses, **extra}

    def _of_all_devices(self, loss):
        return self.steps.fabric.all_reduce(loss.clone(), reduce_op="mean").item()


@dataclass
class Steps:
    """What a duel captures. It does not know the duel, with which an epoch's graphs are freed at once."""

    fabric: Fabric
    generator: Player
    discriminator: Player
    content: Callable[[Tensor, Tensor], Tensor]
    weight: float

    def alone(self, high: Tensor) -> dict[str, Tensor]:
        """Step of the generator where there is no duel."""
        high = to_device(self.fabric, high)
        content = self._content(high, self.generator.network(coarsen(high)))
        self.generator.descend(self.fabric, content)
        return {"loss": content, "content": content}

    def both(self, high: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """A step of each: their losses, what the generator makes then, the discriminator's loss on that."""
        high = to_device(self.fabric, high)
        fake = self.generator.network(coarsen(high))
        before, right = self._discriminator_loss(high, fake)
        self.discriminator.descend(self.fabric, before)
        losses = self._generator_losses(high, fake)
        self.generator.descend(self.fabric, losses["loss"])
        return {**losses, "discriminator": before, **right}, *self._measure(high)

    def of_generator(self, high: Tensor) -> tuple[Tensor, Tensor]:
        """Another step of the generator: what it makes then, and the discriminator's loss on that."""
        high = to_device(self.fabric, high)
        losses = self._generator_losses(high, self.generator.network(coarsen(high)))
        self.generator.descend(self.fabric, losses["loss"])
        return self._measure(high)

    def of_discriminator(self, high: Tensor, fake: Tensor) -> None:
        """Another step of the discriminator."""
        loss, _ = self._discriminator_loss(to_device(self.fabric, high), fake)
        self.discriminator.descend(self.fabric, loss)

    @torch.no_grad()
    def _measure(self, high):
        fake = self.generator.network(coarsen(high))
        return fake, self._discriminator_loss(high, fake)[0]

    def _discriminator_loss(self, high, fake):
        """Loss of the discriminator, and how often it is right."""
        real, generated = self.discriminator.network(torch.cat((high, fake.detach()))).chunk(2)
        right = {
            "right_on_real": (real > 0).float().mean(),
            "right_on_generated": (generated < 0).float().mean(),
        }
        return discriminator_loss(real, generated), right

    def _content(self, high, fake):
        with self.fabric.autocast():
            return self.content(high, fake).mean()

    def _generator_losses(self, high, fake):
        with frozen(self.discriminator.network.module) as discriminator, self.fabric.autocast():
            adversarial = generator_loss(discriminator(fake).float())
        content = self._content(high, fake)
        return {
            "loss": content + self.weight * adversarial,
            "content": content,
            "adversarial": adversarial,
        }
