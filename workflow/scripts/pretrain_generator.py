"""Train the generator alone with the mean squared error: training.csv and generator.pt."""

from atmodist.core.job import job

with job(snakemake.log[0], "pretrain_generator"):
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import GeneratorSettings, GeneratorTraining
    from atmodist.learning.srgan_training import pretrain_generator
    from atmodist.learning.training import TrainingJob

    params = snakemake.params
    training = TrainingJob.of(snakemake, snakemake.input.patches, snakemake.output.generator)
    generator = GeneratorSettings(**params.generator)
    settings = GeneratorTraining(**params.settings, batch_size=params.batch_size)
    launch(training.hardware, pretrain_generator, training, generator, settings)
