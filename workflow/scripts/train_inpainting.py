"""Train a network to fill a square that is erased: training.csv and the weights of every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_inpainting {snakemake.wildcards.model}"):
    from atmodist.learning.autoencoder_training import train_inpainting
    from atmodist.learning.content import content_loss
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import InpaintingSettings
    from atmodist.learning.training import TrainingJob

    files, params = snakemake.input, snakemake.params
    settings = InpaintingSettings(**params.settings)
    training = TrainingJob.of(snakemake, files.pairs, snakemake.output.weights)

    def train(fabric):
        """Load the network in each process, and train."""
        of_encoder = files.get("encoder"), files.get("scale")
        loss = content_loss(settings.content, params.patch, params.variables, *of_encoder)
        train_inpainting(fabric, training, loss, settings)

    launch(training.hardware, train)
