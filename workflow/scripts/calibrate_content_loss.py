"""Measure the content loss and other distances against lag, and the scale of the content loss.

Writes lag_losses_{layer}.nc and scale_{layer}.json from evaluation pairs of every lag.
"""

from atmodist.core.job import job, progress

with job(
    snakemake.log[0], f"calibrate_content_loss {snakemake.wildcards.model} {snakemake.wildcards.layer}"
) as log:
    from atmodist.core.errors import InputError
    from atmodist.core.files import replacing, write_json
    from atmodist.learning.calibration import lag_losses
    from atmodist.learning.devices import device
    from atmodist.learning.losses import ContentLoss, content_scale
    from atmodist.learning.saved import load_network
    from atmodist.samples.batches import PairBatches, loader
    from atmodist.samples.normalise import Moments
    from atmodist.samples.shards import times_of

    params = snakemake.params
    network, about = load_network(snakemake.input.encoder)
    pairs = PairBatches(
        snakemake.input.pairs, about["patch"], about["variables"], about["settings"]["batch_size"]
    )
    losses = lag_losses(
        device(snakemake.config["training"]),
        ContentLoss(network.encoder, params.layer),
        Moments.load(snakemake.input.moments),
        progress(loader(pairs), "pairs"),
        times_of(snakemake.input.pairs),
        int(pairs.lag.max()),
        params.step_hours,
    )
    mean = losses["mean"]
    if not mean.notnull().all():
        raise InputError(f"{snakemake.input.encoder} gives distances that are not finite; train it again.")
    scale = content_scale(mean.sel(measure="content").values, mean.sel(measure="l2").values)
    with replacing(snakemake.output.losses) as partial:
        losses.to_netcdf(partial, engine="h5netcdf")
    write_json(
        snakemake.output.scale, {"scale": scale, "layer": params.layer, "pairs": int(losses["count"].sum())}
    )
    log.info("scale %.4g from %d pairs", scale, losses["count"].sum())
