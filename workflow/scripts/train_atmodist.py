"""Train a Siamese network to predict the lag of two patches: training.csv and the weights of every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_atmodist {snakemake.wildcards.model}"):
    from atmodist.learning.atmodist_training import train_atmodist
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import AtmoDistSettings
    from atmodist.learning.training import TrainingJob

    training = TrainingJob.of(snakemake, snakemake.input.pairs, snakemake.output.weights)
    launch(training.hardware, train_atmodist, training, AtmoDistSettings.of(snakemake.params.settings))
