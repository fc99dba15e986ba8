"""Let distances order states whose order is known: sums by time, and scores with intervals."""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], "measure_orderings") as log:
    import time

    from atmodist.core import netcdf
    from atmodist.core.files import replacing
    from atmodist.data import store
    from atmodist.evaluation import orderings
    from atmodist.evaluation.bootstrap import Bootstrap
    from atmodist.evaluation.streaming import choose_device
    from atmodist.learning.devices import Hardware
    from atmodist.learning.saved import load_encoder
    from atmodist.samples.normalise import Moments

    device = choose_device(Hardware(**snakemake.config["training"]))
    fields = store.Fields(snakemake.input.fields)
    encoders = {
        name: load_encoder(path, fields.variables)[0]
        for name, path in zip(params.encoders, snakemake.input.encoders, strict=True)
    }
    known = orderings.distances(encoders, params.patch, device)
    started = time.monotonic()
    chosen = orderings.choose_times(len(fields.time), params.times, params.seed)
    sums = orderings.evaluate(
        fields,
        Moments.load(snakemake.input.moments),
        known,
        progress(chosen, "times"),
        params.per_time,
        params.patch,
        params.latitude,
        params.seed,
        device,
    )
    netcdf.write(snakemake.output.sums, sums)
    bootstrap = Bootstrap(params.block_days, params.resamples, params.seed)
    scores = orderings.scores(sums, bootstrap)
    with replacing(snakemake.output.scores) as partial:
        scores.to_csv(partial, index=False, float_format="%.6g")
    log.info("%d distances at %d times in %.1f s", len(known), len(chosen), time.monotonic() - started)
