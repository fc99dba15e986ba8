"""Draw how the quantiles at the cities differ from the true ones: median and middle half of all cities."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_city_quantiles"):
    import numpy as np
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    truth, *estimates = (netcdf.read(path)["quantiles"] for path in snakemake.input.cities)
    variables, windows = truth["variable"].values, truth["window"].values
    places = range(truth.sizes["quantile"])
    looks = plots.lines(snakemake.params.systems)
    with plots.style():
        size = (plots.WIDTH, 0.4 + 2.2 * len(variables))
        figure, axes = pyplot.subplots(
            len(variables), len(windows), figsize=size, sharex=True, sharey="row", squeeze=False
        )
        for row, variable in zip(axes, variables, strict=True):
            for panel, window in zip(row, windows, strict=True):
                panel.axhline(0, color="black", linewidth=0.8, label="truth")
                for system, estimate in zip(snakemake.params.systems[1:], estimates, strict=True):
                    error = (estimate - truth).sel(variable=variable, window=window)
                    low, middle, high = np.quantile(error.transpose("city", "quantile"), [0.25, 0.5, 0.75], 0)
                    colour = looks[system]["color"]
                    panel.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
                    panel.plot(places, middle, marker=".", **looks[system])
                panel.set_xticks(places, [f"{100 * each:g}" for each in truth["quantile"].values])
            plots.label_axis(row[0].yaxis, f"difference of {variable}", units.of(truth, variable))
        for panel, window in zip(axes[0], windows, strict=True):
            panel.set_title(f"{window} × {window} pixels")
        for panel in axes[-1]:
            panel.set_xlabel("quantile / %")
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels(), columns=7)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
