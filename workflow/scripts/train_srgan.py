"""Train a generator against a discriminator: training.csv and the weights of both after every epoch."""

import json
from pathlib import Path

from atmodist.core.job import job

with job(snakemake.log[0], f"train_srgan {snakemake.wildcards.model}"):
    from atmodist.learning.devices import launch
    from atmodist.learning.losses import ContentLoss
    from atmodist.learning.saved import load_encoder, load_weights
    from atmodist.learning.spectral_losses import SpectralLoss
    from atmodist.learning.srgan_training import train_srgan
    from atmodist.learning.training import identity

    params, hardware = snakemake.params, snakemake.config["training"]
    content = None  # the mean squared error
    if params.settings["content"] == "amse":
        content = SpectralLoss(params.patch)
    elif params.settings["content"] != "mse":
        encoder, _ = load_encoder(snakemake.input.encoder)
        scale = json.loads(Path(snakemake.input.scale).read_text())["scale"]
        content = ContentLoss(encoder, params.settings["content"]["layer"], scale)
    launch(
        hardware,
        train_srgan,
        snakemake.input.patches,
        snakemake.output.log,
        snakemake.output.weights,
        identity(snakemake.input, dict(params.items())),
        load_weights(snakemake.input.generator)["generator"],
        content,
        params.generator,
        params.settings,
        params.patch,
        params.variables,
        params.seed,
        hardware,
    )
