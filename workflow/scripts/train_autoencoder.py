"""Train an autoencoder on single patches: training.csv and the weights of every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_autoencoder {snakemake.wildcards.model}"):
    from atmodist.learning.autoencoder_training import train_autoencoder
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import AutoencoderSettings
    from atmodist.learning.training import TrainingJob

    training = TrainingJob.of(snakemake, snakemake.input.pairs, snakemake.output.weights)
    launch(training.hardware, train_autoencoder, training, AutoencoderSettings.of(snakemake.params.settings))
