"""Draw the power spectra of divergence and vorticity of the truth and of every system."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_power_spectra"):
    from matplotlib import pyplot

    from atmodist.data import units
    from atmodist.figures import plots

    powers = {
        system: plots.mean_over_blocks(path, "power")["power"]
        for system, path in zip(snakemake.params.systems, snakemake.input.evaluation, strict=True)
    }
    variables, views = powers["truth"]["variable"].values, snakemake.params.views
    with plots.style():
        size = (plots.WIDTH, 0.4 + 2.4 * len(variables))
        figure, axes = pyplot.subplots(len(variables), len(views), figsize=size, squeeze=False)
        for row, variable in zip(axes, variables, strict=True):
            spectra = {system: power.sel(variable=variable) for system, power in powers.items()}
            for panel, view in zip(row, views, strict=True):
                plots.draw_spectra(panel, spectra, *view)
            row[0].set_ylabel(f"power of {variable} / {plots.unit(units.of(powers['truth'], variable))}")
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels())
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
