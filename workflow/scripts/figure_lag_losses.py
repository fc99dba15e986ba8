"""Draw the content losses and other distances against lag, each over its mean at the longest lag shown."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_lag_losses"):
    import textwrap

    import xarray as xr
    from matplotlib import pyplot
    from matplotlib.ticker import MultipleLocator

    from atmodist.figures import plots

    losses = []
    for path in snakemake.input.losses:
        loss = xr.load_dataset(path, engine="h5netcdf").sel(lag=slice(snakemake.params.lag_hours))
        losses.append(loss.assign({key: loss[key] / loss["mean"].isel(lag=-1) for key in ("mean", "std")}))
    models = plots.lines([f"content loss of {model}" for model in snakemake.params.models])

    def draw(panel, loss, measure, band=True, **look):
        """Draw the mean, and as a band the standard deviation, of a distance."""
        mean, std = (loss[key].sel(measure=measure) for key in ("mean", "std"))
        if band:
            panel.fill_between(
                loss["lag"], mean - std, mean + std, color=look["color"], alpha=0.2, linewidth=0
            )
        panel.plot(loss["lag"], mean, **look)

    with plots.style():
        measures = losses[0]["measure"].values
        figure, axes = pyplot.subplots(1, len(measures), figsize=(plots.WIDTH, 2.4), sharex=True, sharey=True)
        for panel, measure, meaning in zip(axes, measures, losses[0]["meaning"].values, strict=True):
            panel.set(title=textwrap.fill(meaning, 16).replace("-", "−"), xlabel="lag / h")
            if measure != "content":
                draw(panel, losses[0], measure, color="0.3")
            for loss, look in zip(losses, models.values(), strict=True):
                content = {"band": True} if measure == "content" else {"band": False, "linewidth": 0.8}
                draw(panel, loss, "content", **content, **look)
        axes[0].set_ylabel("relative distance")
        axes[0].xaxis.set_major_locator(MultipleLocator(24))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
