"""Draw what the inpainting networks minimise against epoch: the squared error, and content losses."""

from atmodist.core.job import job

LABELS = {"squared_error": "squared error in the square", "content": "scaled content loss"}

with job(snakemake.log[0], "figure_inpainting_curves"):
    import pandas as pd
    from matplotlib import pyplot

    from atmodist.figures import plots

    with plots.style():
        figure, axes = pyplot.subplots(1, 2, figsize=(plots.WIDTH, 2.6))
        looks = plots.lines(snakemake.params.models)
        for look, log in zip(looks.values(), snakemake.input.logs, strict=True):
            table = pd.read_csv(log)
            for panel, quantity in zip(axes, LABELS, strict=True):
                if quantity in table:
                    panel.plot(table["epoch"], table[quantity], marker=".", **look)
        for panel, label in zip(axes, LABELS.values(), strict=True):
            panel.set(xlabel="epoch", ylabel=label, ylim=(0, None))
            panel.xaxis.get_major_locator().set_params(integer=True)
        plots.legend(figure, *axes[0].get_legend_handles_labels())
        plots.panel_letters(axes)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
