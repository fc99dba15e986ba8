"""Train a generator against a discriminator: training.csv and the weights of both after every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_srgan {snakemake.wildcards.model}"):
    from atmodist.learning.content import content_loss
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import GeneratorSettings, SRGANSettings
    from atmodist.learning.srgan_training import train_srgan
    from atmodist.learning.training import TrainingJob

    files, params = snakemake.input, snakemake.params
    settings = SRGANSettings.of(params.settings)
    training = TrainingJob.of(snakemake, files.patches, snakemake.output.weights)

    def train(fabric):
        """Load the networks in each process, and train."""
        of_encoder = files.get("encoder"), files.get("scale")
        loss = content_loss(settings.content, params.patch, params.variables, *of_encoder)
        generator = GeneratorSettings(**params.generator)
        train_srgan(fabric, training, files.generator, loss, generator, settings)

    launch(training.hardware, train)
