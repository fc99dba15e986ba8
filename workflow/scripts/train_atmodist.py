"""Train a Siamese network to tell the lag of two patches: training.csv and the weights of every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_atmodist {snakemake.wildcards.model}"):
    from atmodist.learning.atmodist_training import train_atmodist
    from atmodist.learning.devices import launch
    from atmodist.learning.training import identity

    params, hardware = snakemake.params, snakemake.config["training"]
    launch(
        hardware,
        train_atmodist,
        snakemake.input.pairs,
        snakemake.output.log,
        snakemake.output.weights,
        identity(snakemake.input, dict(params.items())),
        params.settings,
        params.patch,
        params.variables,
        params.seed,
        hardware,
    )
