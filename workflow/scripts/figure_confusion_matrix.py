"""Draw which lags the networks mistake for which: one panel per model, rows add up to one."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_confusion_matrix"):
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    from atmodist.core import netcdf
    from atmodist.figures import plots

    shares = []
    for path in snakemake.input.confusions:
        count = netcdf.read(path)["count"]
        shares.append(count / count.sum("predicted_lag"))
    highest = max(float(share.max()) for share in shares)
    columns = min(3, len(shares))
    rows = -(-len(shares) // columns)
    with plots.style():
        size = (1 + 2.6 * columns, 0.3 + 2.5 * rows)
        figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False)
        for panel, model, share in zip(axes.flat, snakemake.params.models, shares, strict=False):
            mesh = panel.pcolormesh(
                share["predicted_lag"], share["true_lag"], share, vmin=0, vmax=highest, rasterized=True
            )
            ends = share["true_lag"].values[[0, -1]]
            panel.plot(ends, ends, color=plots.PALETTE[1], linewidth=0.8, linestyle="--")
            panel.set(aspect="equal", title=model, xlabel="predicted lag / h", ylabel="true lag / h")
            for axis in (panel.xaxis, panel.yaxis):
                plots.mark_hours(axis, 12)
        for panel in axes.flat[len(shares) :]:
            panel.remove()
        bar = figure.colorbar(
            mesh, ax=list(axes.flat[: len(shares)]), shrink=0.85, label="share of the pairs of a true lag"
        )
        bar.formatter = PercentFormatter(1, decimals=0)
        bar.update_ticks()
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
