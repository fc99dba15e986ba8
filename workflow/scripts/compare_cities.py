"""Compare the distributions of the fields around cities, those of a system with the true ones."""

from atmodist.core.job import job

with job(snakemake.log[0], f"compare_cities {snakemake.wildcards.system}"):
    from atmodist.core import netcdf
    from atmodist.evaluation import cities
    from atmodist.evaluation.bootstrap import Bootstrap

    truth, estimate = (
        [netcdf.open_lazily(path) for path in paths]
        for paths in (snakemake.input.truth, snakemake.input.estimate)
    )
    params = snakemake.params
    result = cities.compare(
        truth,
        estimate,
        cities.read(snakemake.input.cities),
        Bootstrap(params.block_days, params.resamples, params.seed),
    )
    if snakemake.wildcards.system == "truth":
        result = result.drop_vars(["wasserstein", "wasserstein_draws"])
    netcdf.write(snakemake.output.cities, result)
