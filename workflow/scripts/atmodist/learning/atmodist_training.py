"""AtmoDist: learn to predict how far apart in time two patches are (Hoffmann & Lessig 2023, section 3).

First some epochs on a fixed subset, then epochs on everything with a learning rate that falls where the loss
stands still.
"""

from dataclasses import asdict

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric

from atmodist.core.seeds import torch_seed
from atmodist.learning.captured import CapturedStep
from atmodist.learning.devices import lay_out, to_device
from atmodist.learning.losses import add_weight_penalty, kernels
from atmodist.learning.optimisers import clip_each, reduce_on_plateau
from atmodist.learning.predictions import accuracies
from atmodist.learning.saved import build
from atmodist.learning.settings import AtmoDistSettings
from atmodist.learning.training import TrainingJob, TrainingRun
from atmodist.samples.batches import PairBatches


def train_atmodist(fabric: Fabric, job: TrainingJob, settings: AtmoDistSettings) -> None:
    """Train a Siamese network on shards of pairs with SGD; write the table and the weights of every epoch.

    As in Keras, the L2 penalty is part of the loss: its gradient is clipped with the rest, and the
    learning-rate schedule watches their sum. ``loss`` in the table is the cross-entropy alone, to be compared
    with the evaluation. The second stage starts at the configured learning rate and keeps the momentum.
    """
    torch.manual_seed(torch_seed(job.seed, "atmodist", "weights", settings.seed_index))
    network = build(asdict(settings), job.samples.patch, job.samples.variables)
    lay_out(network, job.hardware)
    parameters = list(network.parameters())
    optimiser = torch.optim.SGD(parameters, settings.learning_rate, settings.momentum, foreach=True)
    schedule = reduce_on_plateau(optimiser, settings.learning_rate_schedule)
    model, stepper = fabric.setup(network, optimiser)
    penalised = kernels(network)

    order = torch_seed(job.seed, "atmodist", "order", settings.seed_index)
    pairs = PairBatches(job.samples, settings.batch_size, settings.batches, classes=settings.classes)
    first = settings.pretraining

    def step(one, other, label):
        """Take a step; its losses and accuracies."""
        logits = model(to_device(fabric, one), to_device(fabric, other))
        loss = F.cross_entropy(logits, label)
        stepper.zero_grad()
        fabric.backward(loss)
        penalty = add_weight_penalty(penalised, settings.weight_penalty)
        clip_each(parameters, settings.gradient_norm)
        stepper.step()
        return {"loss": loss, "penalty": penalty, **accuracies(logits, label)}

    subset = pairs.first(first.batches) if first.epochs and first.batches else pairs

    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}
    training = TrainingRun(fabric, job, parts, unit="pairs")
    for epoch in training.epochs(first.epochs + settings.epochs):
        pretraining = epoch < first.epochs
        model.train()
        take = CapturedStep(fabric, step, job.hardware.cuda_graphs)
        for one, other, label in training.batches(subset if pretraining else pairs, order):
            training.record(len(label), **take(one, other, label))
        means = training.means()
        rate = optimiser.param_groups[0]["lr"]
        if not pretraining:
            schedule.step(means["loss"] + means["penalty"])
        phase = "pre-training" if pretraining else "training"
        training.end_epoch({"phase": phase, "learning_rate": rate, **means}, keep=["network"])
    training.publish(weights=job.weights)
