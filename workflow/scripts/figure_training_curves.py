"""Draw loss and accuracy of AtmoDist against epoch: training solid, evaluation dashed."""

from atmodist.core.job import job

QUANTITIES = {"loss": "cross-entropy", "accuracy": "accuracy", "top3_accuracy": "top-3 accuracy"}

with job(snakemake.log[0], "figure_training_curves"):
    import pandas as pd
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    from atmodist.figures import plots

    looks = plots.lines(snakemake.params.models)
    with plots.style():
        figure, axes = pyplot.subplots(1, len(QUANTITIES), figsize=(plots.WIDTH, 2.6))
        highest = 0.0
        for look, log, evaluation in zip(
            looks.values(), snakemake.input.logs, snakemake.input.evaluations, strict=True
        ):
            training, evaluated = pd.read_csv(log), pd.read_csv(evaluation)
            highest = max(highest, training["loss"].max())
            pretraining = (training["phase"] == "pre-training").sum()
            drops = training["epoch"][training["learning_rate"].diff() < 0]
            for panel, quantity in zip(axes, QUANTITIES, strict=True):
                panel.plot(training["epoch"], training[quantity], **look)
                panel.plot(evaluated["epoch"], evaluated[quantity], color=look["color"], linestyle="--")
                panel.axvspan(0.5, pretraining + 0.5, color="0.93", zorder=0)
                for epoch in drops:
                    panel.axvline(epoch - 0.5, color=look["color"], linewidth=0.6, linestyle=":")
        for panel, label in zip(axes, QUANTITIES.values(), strict=True):
            panel.set(xlabel="epoch", ylabel=label)
            panel.xaxis.get_major_locator().set_params(integer=True)
        for panel in axes[1:]:
            panel.yaxis.set_major_formatter(PercentFormatter(1))
        axes[0].set_ylim(top=1.1 * highest)  # the first evaluation, before the norms settle, may be far above
        axes[0].plot([], [], color="0.3", label="training")
        axes[0].plot([], [], color="0.3", linestyle="--", label="evaluation")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
        plots.panel_letters(axes)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
