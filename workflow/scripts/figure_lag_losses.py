"""Draw each distance against lag with the content loss scaled onto it, training pairs above evaluation."""

from atmodist.core.job import job

LABELS = {"l1": "mean |Δz|", "l2": "mean Δz²", "psnr": "50 − PSNR / dB", "ssim": "1 − (1 + SSIM)/2"}
LABELLED = 4  # the factors of more models would fill a panel
SPLITS = {"train": "training", "eval": "evaluation"}

with job(snakemake.log[0], "figure_lag_losses"):
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.figures import plots

    models = plots.lines([f"α · content loss of {model}" for model in snakemake.params.models])

    def draw(panel, lag, mean, std, **look):
        """Draw a mean distance and, as a band, the standard deviation."""
        panel.fill_between(lag, mean - std, mean + std, color=look["color"], alpha=0.15, linewidth=0)
        panel.plot(lag, mean, **look)

    with plots.style():
        size = plots.WIDTH, 4.2
        figure, axes = pyplot.subplots(
            len(SPLITS), len(LABELS), figsize=size, sharex=True, sharey="col", squeeze=False
        )
        for row, (split, name) in zip(axes, SPLITS.items(), strict=True):
            losses = [netcdf.read(path) for path in getattr(snakemake.input, split)]
            losses = [loss.sel(lag=slice(snakemake.params.lag_hours)) for loss in losses]
            for panel, (measure, label) in zip(row, LABELS.items(), strict=True):
                distance = losses[0].sel(measure=measure)
                grey = {"color": "0.3", "label": "distance"}
                draw(panel, distance["lag"], distance["mean"], distance["std"], **grey)
                for number, (loss, look) in enumerate(zip(losses, models.values(), strict=True)):
                    scale, content = loss["scale"].sel(measure=measure), loss.sel(measure="content")
                    draw(panel, loss["lag"], scale * content["mean"], scale * content["std"], **look)
                    if len(models) <= LABELLED:
                        panel.text(
                            0.97,
                            0.04 + 0.09 * number,
                            f"α = {float(scale):.3g}",
                            color=look["color"],
                            transform=panel.transAxes,
                            ha="right",
                            fontsize=6,
                        )
                panel.set_ylabel(label)
                panel.set_ylim(bottom=0)  # the bands of small distances reach below
            row[0].set_ylabel(f"{name} pairs\n\n{LABELS['l1']}")
        for panel in axes[-1]:
            panel.set_xlabel("lag / h")
        plots.mark_hours(axes[0, 0].xaxis, 24)
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels(), columns=4)
        plots.panel_letters(axes.ravel())
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
