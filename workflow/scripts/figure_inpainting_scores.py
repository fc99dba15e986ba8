"""Draw the scores of the filled squares with their intervals, and their spectra over the truth's."""

from atmodist.core.job import job

LABELS = {
    "squared_error": "squared error",
    "gradient_over_truth": "squared gradient / truth's",
    "edge_jump_over_truth": "squared jump of the gradient\nacross the edge / truth's",
}

with job(snakemake.log[0], "figure_inpainting_scores"):
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.figures import plots

    fills = snakemake.params.fills
    numbers = netcdf.read(snakemake.input.summary).to_dataframe()
    numbers = numbers[numbers["group"] == "inpainting"].set_index(["quantity", "variable", "system"])
    sums = [netcdf.read(path) for path in snakemake.input.scores]
    variables = sums[0]["variable"].values
    looks = plots.lines(fills)
    with plots.style():
        size = plots.WIDTH, 0.4 + 2.6 * len(variables)
        ratios = {"width_ratios": [1] * len(LABELS) + [1.4]}
        figure, axes = pyplot.subplots(
            len(variables), len(LABELS) + 1, figsize=size, squeeze=False, gridspec_kw=ratios
        )
        for row, variable in zip(axes, variables, strict=True):
            for panel, (quantity, label) in zip(row, LABELS.items(), strict=False):
                for place, fill in enumerate(fills):
                    number, look = numbers.loc[(quantity, variable, fill)], looks[fill]
                    panel.plot(place, number["value"], "o", markersize=4, color=look["color"])
                    panel.vlines(place, number["low"], number["high"], color=look["color"])
                if quantity.endswith("truth"):
                    panel.axhline(1, color="black", linewidth=0.6)
                panel.set(ylabel=f"{variable}\n{label}" if panel is row[0] else label, ylim=(0, None))
                panel.set_xlabel("filled by" if variable == variables[-1] else None)
                panel.set_xticks(range(len(fills)), fills, rotation=90)
                panel.set_xlim(-0.6, len(fills) - 0.4)
            for fill, each in zip(fills, sums, strict=True):
                power = each["spectra"].sel(variable=variable).sum("day")
                ratio = power.sel(system=fill) / power.sel(system="truth")
                row[-1].plot(each["wavenumber"], ratio, marker=".", **looks[fill])
            row[-1].axhline(1, color="black", linewidth=0.6)
            row[-1].set(yscale="log", xlabel="cycles an edge", ylabel="power / truth's")
        plots.legend(figure, *axes[0, -1].get_legend_handles_labels())
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
