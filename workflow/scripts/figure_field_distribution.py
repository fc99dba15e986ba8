"""Draw the distribution of the fields before and after the log transform, beside the normal distribution."""

from atmodist.core.job import job

TITLES = {"standardised": "standardised", "logarithmic": "after the log transform"}

with job(snakemake.log[0], "figure_field_distribution"):
    import numpy as np
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.figures import plots

    density = netcdf.read(snakemake.input.histograms)["density"]
    value = density["value"].values
    with plots.style():
        figure, axes = pyplot.subplots(1, len(TITLES), figsize=(plots.WIDTH, 2.6), sharey=True)
        for panel, (transform, title) in zip(axes, TITLES.items(), strict=True):
            for variable in density["variable"].values:
                line = density.sel(transform=transform, variable=variable)
                panel.plot(value, line.where(line > 0), label=variable)
            normal = np.exp(-(value**2) / 2) / np.sqrt(2 * np.pi)
            panel.plot(value, normal, color="0.55", linestyle="--", label="normal distribution")
            panel.set(yscale="log", ylim=(1e-6, 3), xlabel="value / standard deviation", title=title)
        axes[0].set_ylabel("probability density")
        plots.legend(figure, *axes[0].get_legend_handles_labels(), columns=3)
        plots.panel_letters(axes)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
