"""Join the shards of a system's evaluation, one by one; the result is that of one run over all days."""

from functools import reduce

from atmodist.core.job import job

with job(snakemake.log[0], f"merge_evaluation {snakemake.wildcards.system}"):
    from atmodist.core import netcdf
    from atmodist.evaluation import merging

    shards = (netcdf.read(path) for path in snakemake.input.shards)
    whole = reduce(lambda *parts: merging.combine(parts), shards)
    merging.save(snakemake.output.metrics, whole)
