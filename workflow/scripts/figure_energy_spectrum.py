"""Draw the kinetic-energy spectrum of the truth and of every system, in several ranges of degrees."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_energy_spectrum"):
    from matplotlib import pyplot

    from atmodist.figures import plots

    energies = {
        system: plots.mean_over_blocks(path, "kinetic_energy")["kinetic_energy"].sum("flow")
        for system, path in zip(snakemake.params.systems, snakemake.input.evaluation, strict=True)
    }
    views = snakemake.params.views
    with plots.style():
        figure, axes = pyplot.subplots(1, len(views), figsize=(plots.WIDTH, 3.0), squeeze=False)
        for panel, view in zip(axes[0], views, strict=True):
            plots.draw_spectra(panel, energies, *view)
        axes[0, 0].set_ylabel(f"kinetic energy / {plots.unit('m2 s-2')}")
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels())
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
