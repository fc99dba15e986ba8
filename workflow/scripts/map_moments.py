"""Mean, deviation and error over time at every point, thinned for a figure."""

from atmodist.core.job import job

with job(snakemake.log[0], f"map_moments {snakemake.wildcards.system}"):
    from atmodist.core import netcdf
    from atmodist.evaluation import maps, moments

    fields = moments.mean_fields(netcdf.read(snakemake.input.evaluation))
    netcdf.write(snakemake.output.moments, maps.thinned(fields).astype("float32"))
