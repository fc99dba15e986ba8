"""Global fields at one moment, thinned for a figure."""

from atmodist.core.job import job

with job(snakemake.log[0], "snapshot_fields"):
    from atmodist.core import netcdf
    from atmodist.data import store
    from atmodist.evaluation import maps

    fields = store.Fields(snakemake.input.fields)
    time = maps.index_of(fields, snakemake.params.time)
    field = maps.thinned(maps.labelled(fields, time, fields.read(time)))
    netcdf.write(snakemake.output.snapshot, field.to_dataset(name="field"))
