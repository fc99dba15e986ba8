"""Train a generator against a discriminator: training.csv and the weights of both after every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_srgan {snakemake.wildcards.model}"):
    from atmodist.learning.checkpoint import identity
    from atmodist.learning.content import content_loss
    from atmodist.learning.devices import Hardware
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import GeneratorSettings, SRGANSettings
    from atmodist.learning.srgan_training import train_srgan
    from atmodist.learning.training import TrainingJob
    from atmodist.samples.batches import SampleFiles

    files, params = snakemake.input, snakemake.params
    settings = dict(params.settings)
    content = settings.pop("content")
    training = TrainingJob(
        samples=SampleFiles(files.patches, params.patch, params.variables),
        log=snakemake.output.log,
        weights=snakemake.output.weights,
        identity=identity(files, dict(params.items())),
        seed=params.seed,
        hardware=Hardware(**snakemake.config["training"]),
    )

    def train(fabric):
        """Load the networks in each process, and train."""
        of_encoder = files.get("encoder"), files.get("scale")
        loss = content_loss(content, params.patch, params.variables, *of_encoder)
        generator = GeneratorSettings(**params.generator)
        train_srgan(fabric, training, files.generator, loss, generator, SRGANSettings.of(settings))

    launch(training.hardware, train)
