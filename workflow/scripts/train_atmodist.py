"""Train a Siamese network to predict the lag of two patches: training.csv and the weights of every epoch."""

from atmodist.core.job import job

with job(snakemake.log[0], f"train_atmodist {snakemake.wildcards.model}"):
    from atmodist.learning.atmodist_training import train_atmodist
    from atmodist.learning.checkpoint import identity
    from atmodist.learning.devices import Hardware
    from atmodist.learning.launching import launch
    from atmodist.learning.settings import AtmoDistSettings
    from atmodist.learning.training import TrainingJob
    from atmodist.samples.batches import SampleFiles

    params, hardware = snakemake.params, Hardware(**snakemake.config["training"])
    training = TrainingJob(
        samples=SampleFiles(snakemake.input.pairs, params.patch, params.variables),
        log=snakemake.output.log,
        weights=snakemake.output.weights,
        identity=identity(snakemake.input, dict(params.items())),
        seed=params.seed,
        hardware=hardware,
    )
    launch(hardware, train_atmodist, training, AtmoDistSettings.of(params.settings))
