"""Scale the content loss to the mean squared error of the normalised fields: scale_{layer}.json."""

from atmodist.core.job import job

params = snakemake.params
with job(snakemake.log[0], f"calibrate_content_loss {params.encoder} {params.layer}") as log:
    from atmodist.core import netcdf
    from atmodist.core.files import write_json

    losses = netcdf.read(snakemake.input.losses)
    scale, pairs = float(losses["scale"].sel(measure="mse")), int(losses["count"].sum())
    write_json(snakemake.output.scale, {"scale": scale, "layer": params.layer, "pairs": pairs})
    log.info("scale %.4g from %d pairs", scale, pairs)
