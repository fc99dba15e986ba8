"""Training of autoencoder and inpainting against plain PyTorch, and the errors of their reconstructions."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from trainings import AUTOENCODER, CPU, INPAINTING, VARIABLES, training_job, write_pairs

from atmodist.core.seeds import torch_seed
from atmodist.evaluation.reconstructions import squared_errors
from atmodist.learning import autoencoder_training as training
from atmodist.learning import saved
from atmodist.learning.devices import one_device
from atmodist.learning.launching import launch
from atmodist.learning.losses import ContentLoss
from atmodist.learning.networks import Encoder
from atmodist.learning.settings import AutoencoderSettings, InpaintingSettings
from atmodist.samples.batches import PairBatches, SampleFiles, loader


def run(folder, train, *arguments):
    folder.mkdir(exist_ok=True)
    write_pairs(folder / "pairs.h5", count=120)
    job = training_job(folder, [folder / "pairs.h5"])
    launch(CPU, train, job, *arguments)
    return pd.read_csv(job.log)


def autoencoder(**changed):
    return AutoencoderSettings.of({**AUTOENCODER, **changed})


def inpainting(**changed):
    return InpaintingSettings(**{**INPAINTING, **changed})


def built(settings, kind):
    torch.manual_seed(torch_seed(1, kind, "weights", settings.seed_index))
    return training.build(asdict(settings), 32, VARIABLES).to(memory_format=torch.channels_last)


def batches(folder, settings, kind):
    samples = SampleFiles([str(folder / "pairs.h5")], 32, VARIABLES)
    data = PairBatches(samples, settings.batch_size // 2, settings.batches)
    for first, second, _ in loader(data, 0, torch_seed(1, kind, "order", settings.seed_index)):
        yield torch.cat((first, second)).float().to(memory_format=torch.channels_last)


def compare(folder, network, epoch):
    state = saved.load(folder / f"weights/epoch-{epoch:03d}.pt")["network"]
    for name, expected in network.state_dict().items():
        torch.testing.assert_close(
            state[name], expected, rtol=1e-3, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_one_epoch_of_the_autoencoder_equals_plain_pytorch(tmp_path):
    """With Nesterov's momentum, the penalty in the gradient, and each gradient clipped by itself."""
    settings = autoencoder(epochs=1, batches=3, gradient_norm=0.3, weight_penalty=0.05)
    table = run(tmp_path, training.train_autoencoder, settings)
    network = built(settings, "autoencoder")
    kernels = [p for p in network.parameters() if p.dim() > 1]
    velocity = {p: torch.zeros_like(p) for p in network.parameters()}
    losses = []
    for patches in batches(tmp_path, settings, "autoencoder"):
        assert len(patches) == settings.batch_size
        loss = F.mse_loss(network(patches), patches)
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in network.parameters():
                p.grad += 2 * 0.05 * p if any(p is k for k in kernels) else 0
                torch.nn.utils.clip_grad_norm_([p], 0.3)
                velocity[p] = 0.9 * velocity[p] + p.grad
                p -= settings.learning_rate * (p.grad + 0.9 * velocity[p])
        losses.append(loss.item())
    assert table["loss"].item() == pytest.approx(np.mean(losses), rel=1e-4)
    compare(tmp_path, network, 1)


def test_one_epoch_of_inpainting_equals_plain_pytorch(tmp_path):
    torch.manual_seed(3)
    encoder = Encoder(2, (4, 4, 8, 8), 1).eval()
    settings = inpainting(epochs=1, batches=6)
    table = run(tmp_path, training.train_inpainting, ContentLoss(encoder, "stage2", 5.0), settings)
    network = built(settings, "inpainting")
    kernels = [p for p in network.parameters() if p.dim() > 1]
    adam = torch.optim.Adam(network.parameters(), settings.learning_rate)
    losses = []
    for patches in batches(tmp_path, settings, "inpainting"):
        damaged = patches.clone()
        damaged[..., 11:19, 11:19] = 0
        truth, found = (x[..., 11:19, 11:19] for x in (patches, network(damaged)))
        content = 5 * F.mse_loss(encoder.features(found, "stage2"), encoder.features(truth, "stage2"))
        loss = 0.9 * content + 0.1 * F.mse_loss(found, truth)
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in network.parameters():
                p.grad += 2 * settings.weight_penalty * p if any(p is k for k in kernels) else 0
                torch.nn.utils.clip_grad_norm_([p], settings.gradient_norm)
        adam.step()
        losses.append(loss.item())
    assert table["loss"].item() == pytest.approx(np.mean(losses), rel=1e-3)
    assert {"squared_error", "content"} <= set(table.columns)


@pytest.mark.parametrize(("threshold", "last"), [(5.0, 0.05), (100.0, 0.005)])
def test_the_rate_falls_where_loss_and_penalty_together_stand_still(tmp_path, threshold, last):
    schedule = {"factor": 0.1, "patience": 1, "threshold": threshold, "floor": 1e-9}
    settings = autoencoder(epochs=3, batches=6, weight_penalty=0.1, learning_rate_schedule=schedule)
    table = run(tmp_path, training.train_autoencoder, settings)
    assert table["loss"].diff()[1] > -5 > (table["loss"] + table["penalty"]).diff()[1]
    assert table["learning_rate"].tolist() == pytest.approx([0.05, 0.05, last])


def test_an_autoencoder_learns(tmp_path):
    table = run(tmp_path, training.train_autoencoder, autoencoder(epochs=8))
    assert table["loss"].iloc[-1] < 0.9 * table["loss"].iloc[0]
    assert len(list((tmp_path / "weights").iterdir())) == 8


def test_losses_of_inpainting_start_from_the_same_weights(tmp_path):
    settings = {"epochs": 1, "batches": 1, "learning_rate": 1e-12}
    encoder = ContentLoss(Encoder(2, (4, 4, 8, 8), 1), "stage2")
    weights = []
    for name, content, index in (("a", None, 0), ("b", encoder, 0), ("c", None, 1)):
        run(tmp_path / name, training.train_inpainting, content, inpainting(**settings, seed_index=index))
        state = saved.load(tmp_path / name / "weights/epoch-001.pt")["network"]
        weights.append(state["encoder.stem.0.weight"])
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=1e-9)
    assert not torch.allclose(weights[0], weights[2])


def test_errors_are_those_of_the_first_patches(tmp_path):
    write_pairs(tmp_path / "pairs.h5", count=30)
    torch.manual_seed(0)
    networks = [training.build(AUTOENCODER, 32, VARIABLES) for _ in range(2)]
    pairs = PairBatches(SampleFiles([str(tmp_path / "pairs.h5")], 32, VARIABLES), 8)
    found = squared_errors(one_device(CPU), networks, loader(pairs))
    assert found.shape == (2, 30, 2)
    first = pairs[np.arange(30)][0].float()
    with torch.no_grad():
        expected = (networks[1].eval()(first) - first).square().mean((2, 3))
    np.testing.assert_allclose(found[1], expected, rtol=1e-4)
