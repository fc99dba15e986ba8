"""Draw mean and deviation over time of the truth, how the systems differ from them, and their errors."""

from atmodist.core.job import job

QUANTITIES = {"mean": "mean over time", "std": "standard deviation", "rmse": "root mean squared error"}

with job(snakemake.log[0], "figure_moment_maps"):
    import xarray as xr
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    systems, output = snakemake.params.systems, snakemake.output
    truth, *estimates = (netcdf.read(path) for path in snakemake.input.moments)

    def draw(panels, fields, name, variable, kind):
        """Draw maps in the same colours above one colour bar; positive ones from zero."""
        if kind == "mean":
            look = plots.colours_of(variable, fields)
        elif kind == "difference":
            look = plots.limit_of(fields), plots.SIGNED
        else:
            look = (0.0, plots.limit_of(fields)), plots.POSITIVE
        for panel, field in zip(panels, fields, strict=True):
            mesh = plots.draw_map(panel, field, *look)
            if snakemake.params.coastlines:
                plots.coastlines(panel)
        ends = "max" if kind == "positive" else "both"
        place = {"location": "bottom", "aspect": 30, "pad": 0.02, "shrink": 0.9}
        unit = units.of(truth["mean"], variable)
        plots.colour_bar(panel.figure, mesh, panel, name, unit, extend=ends, **place)

    for variable, pdf, png in zip(snakemake.params.variables, output.pdf, output.png, strict=True):
        true = truth.sel(variable=variable)
        found = xr.concat([each.sel(variable=variable) for each in estimates], "system")
        with plots.style():
            figure, axes = pyplot.subplots(
                len(systems),
                len(QUANTITIES),
                figsize=(plots.WIDTH, 0.9 + 1.3 * len(systems)),
                sharex=True,
                sharey=True,
                layout="compressed",
            )
            for (first, *others), (quantity, title) in zip(axes.T, QUANTITIES.items(), strict=True):
                if quantity == "rmse":
                    first.set_axis_off()
                    others[0].set_title(title)
                    draw(others, found[quantity], variable, variable, "positive")
                else:
                    first.set_title(title)
                    kind = "positive" if quantity == "std" else "mean"
                    draw([first], true[[quantity]].to_dataarray(), variable, variable, kind)
                    draw(others, found[quantity] - true[quantity], "difference", variable, "difference")
            for panel, system in zip(axes[:, 0], systems, strict=True):
                panel.set_ylabel(system if system == "truth" else f"{system} − truth")
            plots.save(figure, pdf, png, snakemake.params.dpi)
