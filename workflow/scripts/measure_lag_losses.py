"""Measure the content loss of each layer and other distances against lag: lag_losses_{split}_{layer}.nc."""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"measure_lag_losses {params.encoder} {params.split}") as log:
    from atmodist.core import netcdf
    from atmodist.evaluation.lag_losses import lag_losses
    from atmodist.learning.devices import Hardware, one_device
    from atmodist.learning.saved import load_encoder
    from atmodist.samples.batches import PairBatches, SampleFiles, loader
    from atmodist.samples.normalise import Moments
    from atmodist.samples.shards import times_of

    moments = Moments.load(snakemake.input.moments)
    encoder, about = load_encoder(snakemake.input.encoder, moments.variables)
    samples = SampleFiles(snakemake.input.pairs, about["patch"], about["variables"])
    every = PairBatches(samples, about["settings"]["batch_size"])
    pairs = every.spread(params.batches)
    losses = lag_losses(
        one_device(Hardware(**snakemake.config["training"])),
        encoder,
        moments,
        progress(loader(pairs), "batches"),
        times_of(snakemake.input.pairs)[pairs.numbers],
        int(every.lag.max()),
        params.step_hours,
    )
    for layer, path in zip(params.layers, snakemake.output.losses, strict=True):
        netcdf.write(path, losses[layer])
    log.info("%d of %d pairs", len(pairs.numbers), len(every.numbers))
