"""Draw box plots of the values at some cities: median, quartiles, and whiskers that hold 96 % of them."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_city_boxes"):
    from matplotlib import pyplot

    from atmodist.data import units
    from atmodist.figures import plots

    systems, names = snakemake.params.systems, snakemake.params.cities
    found = [plots.at_cities(path, names) for path in snakemake.input.cities]
    quantiles = found[0]["quantiles"]
    variables = quantiles["variable"].values
    looks = plots.lines(systems)
    with plots.style():
        size = (plots.WIDTH, 0.4 + 2.2 * len(variables))
        figure, axes = pyplot.subplots(
            len(variables), len(names), figsize=size, sharex=True, sharey="row", squeeze=False
        )
        for row, variable in zip(axes, variables, strict=True):
            for panel, name in zip(row, names, strict=True):
                for place, (system, each) in enumerate(zip(systems, found, strict=True)):
                    at = each["quantiles"].sel(variable=variable, city=name)
                    keys = {"whislo": 0.02, "q1": 0.25, "med": 0.5, "q3": 0.75, "whishi": 0.98}
                    box = {key: float(at.sel(quantile=quantile)) for key, quantile in keys.items()}
                    line = {"color": looks[system]["color"]}
                    parts = {f"{part}props": line for part in ("box", "median", "whisker", "cap")}
                    panel.bxp([box], [place], widths=0.6, showfliers=False, **parts)
                    panel.plot([place] * 2, at.sel(quantile=[0.09, 0.91]), ".", markersize=3, **line)
                panel.axhline(0, color="0.85", linewidth=0.6, zorder=0)
                panel.set_xticks(range(len(systems)), systems, rotation=90)
            plots.label_axis(row[0].yaxis, variable, units.of(quantiles, variable))
        for panel, name in zip(axes.flat, names, strict=False):
            panel.set_title(name)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
