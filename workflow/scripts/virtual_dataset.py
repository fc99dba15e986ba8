"""Join the grid files of a split's periods along time: grid/{split}.h5, a virtual data set."""

from atmodist.core.job import job

with job(snakemake.log[0], f"virtual_dataset {snakemake.wildcards.split}") as log:
    from atmodist.data import store

    store.write_virtual(snakemake.output.fields, snakemake.input.fields)
    fields = store.Fields(snakemake.output.fields)
    log.info("%d times from %s to %s", len(fields.time), fields.time[0], fields.time[-1])
