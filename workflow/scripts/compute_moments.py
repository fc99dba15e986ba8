"""Measure the moments of the normalisation on the training split: moments.json."""

from atmodist.core.job import job

with job(snakemake.log[0], "compute_moments") as log:
    from atmodist.data import store
    from atmodist.samples import normalise

    fields = store.Fields(snakemake.input.fields)
    moments = normalise.compute_moments(fields, snakemake.params.alpha, snakemake.threads)
    moments.save(snakemake.output.moments)
    for numbers in zip(moments.variables, moments.mean, moments.std, fields.units, strict=True):
        log.info("%s has mean %.3g and standard deviation %.3g %s", *numbers)
