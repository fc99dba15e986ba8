"""Train the generator alone with the mean squared error: training.csv and generator.pt."""

from atmodist.core.job import job

with job(snakemake.log[0], "pretrain_generator"):
    from atmodist.learning.checkpoint import identity
    from atmodist.learning.devices import Hardware
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import GeneratorSettings, GeneratorTraining
    from atmodist.learning.srgan_training import pretrain_generator
    from atmodist.learning.training import TrainingJob
    from atmodist.samples.batches import SampleFiles

    params, hardware = snakemake.params, Hardware(**snakemake.config["training"])
    training = TrainingJob(
        samples=SampleFiles(snakemake.input.patches, params.patch, params.variables),
        log=snakemake.output.log,
        weights=snakemake.output.generator,
        identity=identity(snakemake.input, dict(params.items())),
        seed=params.seed,
        hardware=hardware,
    )
    generator = GeneratorSettings(**params.generator)
    settings = GeneratorTraining(**params.settings, batch_size=params.batch_size)
    launch(hardware, pretrain_generator, training, generator, settings)
