"""Scale each layer's content loss to the mean squared error of normalised fields: scale_{layer}.json."""

from atmodist.core.job import job

params, files = snakemake.params, snakemake.input
with job(snakemake.log[0], f"calibrate_content_loss {params.encoder}") as log:
    from atmodist.core import netcdf
    from atmodist.core.files import write_json

    for layer, path, target in zip(params.layers, files.losses, snakemake.output.scales, strict=True):
        losses = netcdf.read(path)
        scale, pairs = float(losses["scale"].sel(measure="mse")), int(losses["count"].sum())
        write_json(target, {"scale": scale, "layer": layer, "pairs": pairs})
        log.info("%s: scale %.4g from %d pairs", layer, scale, pairs)
