"""Join the shards of a system's evaluation; the result is that of one run over all days."""

from atmodist.job import job

with job(snakemake.log[0], f"merge_evaluation {snakemake.wildcards.system}"):
    import xarray as xr

    from atmodist import evaluation

    shards = [xr.open_dataset(path, engine="h5netcdf") for path in snakemake.input.shards]
    evaluation.save(snakemake.output.metrics, evaluation.combine(shards))
