"""Cut the regions of the maps out of one moment's fields, as groups {region}/high and {region}/high_pass.

And, of the truth, {region}/low.
"""

from atmodist.core.job import job

params = snakemake.params
with job(snakemake.log[0], f"map_regions {params.system}"):
    import xarray as xr

    from atmodist.core import netcdf
    from atmodist.data import spectral, store
    from atmodist.evaluation import maps, streaming
    from atmodist.learning.devices import Hardware
    from atmodist.samples.normalise import Moments

    device = streaming.choose_device(Hardware(**snakemake.config["training"]).on_cpu())
    fields = store.Fields(snakemake.input.fields)
    moments = Moments.load(snakemake.input.moments)
    upscale = streaming.upscaling(
        params.system, device, snakemake.input.weights, params.epoch, params.generator, len(params.variables)
    )
    time = maps.index_of(fields, params.time)
    ((truth, found),) = streaming.frames(fields, [time], moments, upscale, device)

    def small_scales(field):
        """The field without its low degrees."""
        return field.copy(
            data=[spectral.high_pass(values, params.high_pass_degree) for values in field.values]
        )

    resolutions = {"high": found, "high_pass": small_scales(found)}
    if params.system == "truth":
        resolutions["low"] = maps.low_resolution(truth, moments)
    groups = {
        f"{region}/{resolution}": maps.crop(field, **box).to_dataset(name="field")
        for region, box in params.regions.items()
        for resolution, field in resolutions.items()
    }
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"system": params.system}), **groups})
    netcdf.write(snakemake.output.maps, tree)
