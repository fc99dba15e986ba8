"""Cut one shard of pairs of patches for AtmoDist: pairs/{split}/{shard}.h5."""

from time import perf_counter

from atmodist.core.job import job

with job(snakemake.log[0], f"sample_pairs {snakemake.wildcards.split} {snakemake.wildcards.shard}") as log:
    from atmodist.data import store
    from atmodist.samples import shards, windows
    from atmodist.samples.normalise import Moments

    began, params = perf_counter(), snakemake.params
    fields = store.Fields(snakemake.input.fields)
    sampling = windows.Sampling(
        kind="pairs",
        split=params.split,
        seed=params.seed,
        patch=params.patch,
        per_time=params.per_time,
        band=params.latitude,
        max_lag=params.max_lag,
    )
    grid = fields.time, fields.latitude, len(fields.longitude)
    samples = windows.draw_shard(sampling, *grid, int(params.shard), params.shard_size)
    moments = Moments.load(snakemake.input.moments)
    shards.write_shard(snakemake.output.shard, fields, samples, moments, params.patch, params.dtype)
    log.info("%d pairs in %.1f s", len(samples.time), perf_counter() - began)
