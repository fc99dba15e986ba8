"""Draw the content loss and other distances against lag, each over its mean at the longest lag shown."""

from atmodist.job import job

with job(snakemake.log[0], "figure_lag_losses"):
    import textwrap

    import xarray as xr
    from matplotlib import pyplot
    from matplotlib.ticker import MultipleLocator

    from atmodist import plots

    longest, names = snakemake.params.lag_hours, snakemake.params.models
    losses = [
        xr.load_dataset(path, engine="h5netcdf").sel(lag=slice(longest)) for path in snakemake.input.losses
    ]
    measures = losses[0]["measure"].values
    with plots.style():
        figure, axes = pyplot.subplots(
            len(losses),
            len(measures),
            figsize=(plots.WIDTH, 0.4 + 1.8 * len(losses)),
            sharex=True,
            sharey=True,
            squeeze=False,
        )
        for row, name, loss in zip(axes, names, losses, strict=True):
            loss = loss[["mean", "std"]] / loss["mean"].isel(lag=-1)
            content = loss["mean"].sel(measure="content")
            for number, (panel, measure) in enumerate(zip(row, measures, strict=True)):
                mean, std = (loss[key].sel(measure=measure) for key in ("mean", "std"))
                colour = plots.PALETTE[number]
                panel.fill_between(loss["lag"], mean - std, mean + std, color=colour, alpha=0.25, linewidth=0)
                panel.plot(loss["lag"], content, color="0.6", linestyle="--", label="content loss")
                panel.plot(loss["lag"], mean, color=colour)
            row[0].set_ylabel(f"{name}\nrelative distance")
        for panel, meaning in zip(axes[0], losses[0]["meaning"].values, strict=True):
            panel.set_title(textwrap.fill(meaning, 16).replace("-", "−"))
        for panel in axes[-1]:
            panel.set_xlabel("lag / h")
            panel.xaxis.set_major_locator(MultipleLocator(24))
        figure.legend(*axes[0, 1].get_legend_handles_labels(), loc="outside upper center")
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
