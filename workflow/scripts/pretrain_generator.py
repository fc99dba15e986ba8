"""Train the generator alone with the mean squared error: training.csv and generator.pt."""

from atmodist.core.job import job

with job(snakemake.log[0], "pretrain_generator"):
    from atmodist.learning.devices import launch
    from atmodist.learning.srgan_training import pretrain_generator
    from atmodist.learning.training import identity

    params, hardware = snakemake.params, snakemake.config["training"]
    launch(
        hardware,
        pretrain_generator,
        snakemake.input.patches,
        snakemake.output.log,
        snakemake.output.generator,
        identity(snakemake.input, dict(params.items())),
        params.generator,
        params.settings,
        params.batch_size,
        params.patch,
        params.variables,
        params.seed,
        hardware,
    )
