"""Draw global maps of the variables at one moment."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_data_snapshot"):
    import numpy as np
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    field = netcdf.read(snakemake.input.snapshot)["field"]
    variables = field["variable"].values
    with plots.style():
        figure, axes = pyplot.subplots(len(variables), figsize=(6, 0.3 + 2.5 * len(variables)), sharex=True)
        for panel, variable in zip(np.atleast_1d(axes), variables, strict=True):
            values = field.sel(variable=variable)
            mesh = plots.draw_map(panel, values, *plots.colours_of(variable, values))
            plots.colour_bar(figure, mesh, panel, variable, units.of(field, variable), shrink=0.9, pad=0.02)
            if snakemake.params.coastlines:
                plots.coastlines(panel)
        figure.suptitle(f"{np.datetime_as_string(field['time'], unit='m').replace('T', ' ')} UTC")
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
