"""Take an AtmoDist network from a model folder or a Keras file: its weights as those of an only epoch."""

from atmodist.core.job import job

params = snakemake.params
with job(snakemake.log[0], f"import_atmodist {params.model}") as log:
    from pathlib import Path

    from atmodist.core.files import replacing
    from atmodist.imported import import_network
    from atmodist.learning import saved

    # As a host's module may have it, with a prefix before the path in the config.
    first = Path(snakemake.input.weights[0])
    weights = first.parent if first.name == "config.json" else first
    network, moments = import_network(
        weights,
        f"atmodist.models.{params.model}",
        params.settings,
        params.patch,
        params.variables,
        params.grid_spacing,
        params.step_hours,
        params.alpha,
    )
    with replacing(snakemake.output.weights) as partial:
        partial.mkdir()
        saved.save(saved.file_of_epoch(partial, 1), {"network": network.state_dict()})
    deviations = ", ".join(f"{each:.3g}" for each in moments.std)
    log.info("network of %s, whose training data had deviations of %s", weights, deviations)
