"""Train a generator against a discriminator: training.csv and the weights of both after every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_srgan {snakemake.wildcards.model}"):
    from atmodist.core.files import read_json
    from atmodist.learning.checkpoint import identity
    from atmodist.learning.devices import Hardware
    from atmodist.learning.launching import launch, stay_forkable
    from atmodist.learning.losses import ContentLoss
    from atmodist.learning.saved import load_encoder, load_weights
    from atmodist.learning.settings import GeneratorSettings, SRGANSettings
    from atmodist.learning.spectral_losses import SpectralLoss
    from atmodist.learning.srgan_training import train_srgan
    from atmodist.learning.training import TrainingJob
    from atmodist.samples.batches import SampleFiles

    params, hardware = snakemake.params, Hardware(**snakemake.config["training"])
    stay_forkable(hardware)
    settings, content = dict(params.settings), None  # the mean squared error
    source = settings.pop("content")
    if source == "amse":
        content = SpectralLoss(params.patch)
    elif source != "mse":
        encoder, _ = load_encoder(snakemake.input.encoder, params.variables)
        scale = read_json(snakemake.input.scale)["scale"]
        content = ContentLoss(encoder, source["layer"], scale)
    training = TrainingJob(
        samples=SampleFiles(snakemake.input.patches, params.patch, params.variables),
        log=snakemake.output.log,
        weights=snakemake.output.weights,
        identity=identity(snakemake.input, dict(params.items())),
        seed=params.seed,
        hardware=hardware,
    )
    start = load_weights(snakemake.input.generator)["generator"]
    generator = GeneratorSettings(**params.generator)
    launch(hardware, train_srgan, training, start, content, generator, SRGANSettings.of(settings))
