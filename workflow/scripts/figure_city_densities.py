"""Draw the probability densities of the values at some cities."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_city_densities"):
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter

    from atmodist.data import units
    from atmodist.figures import plots

    names = snakemake.params.cities
    found = {
        system: plots.at_cities(path, names, window=3)
        for system, path in zip(snakemake.params.systems, snakemake.input.cities, strict=True)
    }
    edges = found["truth"]["bin_edge"]
    variables = edges["variable"].values
    columns = -(-len(names) // 2)
    rows = 2 * len(variables)
    with plots.style():
        size = (plots.WIDTH, 0.4 + 1.6 * rows)
        figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False)
        for block, variable in zip(axes.reshape(len(variables), -1), variables, strict=True):
            for panel, name in zip(block, names, strict=False):
                at = {"variable": variable, "city": name}
                for system, look in plots.lines(list(found)).items():
                    density = found[system]["density"].sel(at)
                    front = 3 if system == "truth" else 2
                    panel.stairs(density.where(density > 0), edges.sel(at), zorder=front, **look)
                panel.set(title=name, yscale="log")
                panel.yaxis.set_minor_formatter(NullFormatter())
                plots.label_axis(panel.xaxis, variable, units.of(edges, variable))
            for panel in block[len(names) :]:
                panel.remove()
            for row in block.reshape(2, -1):
                row[0].set_ylabel(f"density / {plots.unit(units.of(found['truth']['density'], variable))}")
        handles = [pyplot.Line2D([], [], **look) for look in plots.lines(list(found)).values()]
        plots.legend(figure, handles)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
