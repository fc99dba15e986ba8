"""Train a network to fill a square that is erased: training.csv and the weights of every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_inpainting {snakemake.wildcards.model}"):
    from atmodist.core.files import read_json
    from atmodist.learning.autoencoder_training import train_inpainting
    from atmodist.learning.checkpoint import identity
    from atmodist.learning.devices import Hardware
    from atmodist.learning.launching import launch, stay_forkable
    from atmodist.learning.losses import ContentLoss
    from atmodist.learning.saved import load_encoder
    from atmodist.learning.settings import InpaintingSettings
    from atmodist.learning.training import TrainingJob
    from atmodist.samples.batches import SampleFiles

    params, hardware = snakemake.params, Hardware(**snakemake.config["training"])
    stay_forkable(hardware)
    settings, content = dict(params.settings), None  # the mean squared error
    source = settings.pop("content")
    if source != "mse":
        encoder, _ = load_encoder(snakemake.input.encoder, params.variables)
        scale = read_json(snakemake.input.scale)["scale"]
        content = ContentLoss(encoder, source["layer"], scale)
    training = TrainingJob(
        samples=SampleFiles(snakemake.input.pairs, params.patch, params.variables),
        log=snakemake.output.log,
        weights=snakemake.output.weights,
        identity=identity(snakemake.input, dict(params.items())),
        seed=params.seed,
        hardware=hardware,
    )
    launch(hardware, train_inpainting, training, content, InpaintingSettings.of(settings))
