"""Mean, deviation and error over time at every point, at most 720 columns wide, for a figure."""

from atmodist.core.job import job

with job(snakemake.log[0], f"map_moments {snakemake.wildcards.system}"):
    from atmodist.core import netcdf
    from atmodist.evaluation import maps, moments

    fields = moments.mean_fields(netcdf.read(snakemake.input.evaluation))
    while fields.sizes["longitude"] > 720:
        fields = maps.block_means(fields, 2)
    netcdf.write(snakemake.output.moments, fields.astype("float32"))
