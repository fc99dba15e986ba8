"""Global fields at one moment, at most 720 columns wide, for a figure."""

from atmodist.core.job import job

with job(snakemake.log[0], "snapshot_fields"):
    from atmodist.core import netcdf
    from atmodist.data import store
    from atmodist.evaluation import maps

    fields = store.open_fields(snakemake.input.fields)
    time = maps.index_of(fields, snakemake.params.time)
    field = maps.labelled(fields, time, fields.read(time))
    while field.sizes["longitude"] > 720:
        field = maps.block_means(field, 2)
    netcdf.write(snakemake.output.snapshot, field.to_dataset(name="field"))
