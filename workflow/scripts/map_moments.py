"""Mean, deviation and error over time at every point, at most 720 columns wide, for a figure."""

from atmodist.core.job import job

with job(snakemake.log[0], f"map_moments {snakemake.wildcards.system}"):
    import xarray as xr

    from atmodist.core.files import replacing
    from atmodist.evaluation import maps, moments

    fields = moments.mean_fields(xr.load_dataset(snakemake.input.evaluation, engine="h5netcdf"))
    while fields.sizes["longitude"] > 720:
        fields = maps.block_means(fields, 2)
    with replacing(snakemake.output.moments) as partial:
        fields.astype("float32").to_netcdf(partial, engine="h5netcdf")
