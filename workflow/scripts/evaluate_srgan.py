"""Super-resolve some days of the evaluation split and measure them against the truth."""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"evaluate_srgan {params.system} {params.shard}") as log:
    import time

    from atmodist.core.periods import Period
    from atmodist.data import store
    from atmodist.evaluation import cities, merging, metrics, streaming
    from atmodist.evaluation.representation_moments import RepresentationMoments
    from atmodist.learning.devices import Hardware
    from atmodist.learning.saved import load_encoder
    from atmodist.samples.normalise import Moments

    hardware = Hardware(**snakemake.config["training"])
    device = streaming.choose_device(hardware if snakemake.input.weights else hardware.on_cpu())
    fields = store.Fields(snakemake.input.fields)
    moments = Moments.load(snakemake.input.moments)
    upscale = streaming.upscaling(
        params.system, device, snakemake.input.weights, params.epoch, params.generator, len(params.variables)
    )
    places = cities.read(snakemake.input.cities)
    times = fields.indices(Period.parse(params.shard).times(params.step_hours))

    if snakemake.input.encoder:
        encoder, about = load_encoder(snakemake.input.encoder, fields.variables)
        encoder = encoder.to(device)

    def represented():
        """Moments of the representation, if there is one."""
        if not snakemake.input.encoder:
            return []
        return [RepresentationMoments(encoder, params.layer, about["patch"], moments)]

    def fresh():
        """Metrics of one block."""
        comparison = metrics.of_comparison() if upscale else []
        return (
            metrics.of_estimate(moments.std, params.seed, places, params.winds) + comparison + represented()
        )

    started = time.monotonic()
    frames = streaming.frames(fields, times, moments, upscale, device)
    result = streaming.evaluate(
        progress(frames, "frames", len(times)),
        fresh,
        fields.time[0],
        params.block_days,
        snakemake.threads,
    )
    result, at_cities = merging.without_cities(result.assign_attrs(system=params.system))
    merging.save(snakemake.output.metrics, result)
    merging.save(snakemake.output.cities, at_cities)
    log.info("%d frames in %.1f s", len(times), time.monotonic() - started)
