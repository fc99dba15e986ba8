"""Draw the squared error of the autoencoders' reconstructions against epoch."""

from atmodist.core.job import job

SPLITS = {"eval": "evaluation", "validation": "validation"}

with job(snakemake.log[0], "figure_autoencoder_curves"):
    import pandas as pd
    from matplotlib import pyplot

    from atmodist.figures import plots

    files = snakemake.input
    with plots.style():
        figure, panel = pyplot.subplots(figsize=(plots.WIDTH / 2, 2.8))
        looks = plots.lines(snakemake.params.models)
        for look, log, evaluation in zip(looks.values(), files.logs, files.evaluations, strict=True):
            training, evaluated = pd.read_csv(log), pd.read_csv(evaluation)
            best = evaluated[evaluated["chosen"]]
            panel.plot(training["epoch"], training["loss"], **look)
            panel.plot(evaluated["epoch"], evaluated["loss"], color=look["color"], linestyle="--")
            panel.plot(best["epoch"], best["loss"], "*", color=look["color"], markersize=8)
            for drop in training["epoch"][training["learning_rate"].diff() < 0]:
                panel.axvline(drop - 0.5, color=look["color"], linewidth=0.6, linestyle=":")
        panel.set(xlabel="epoch", ylabel="mean squared error of normalised values", ylim=(0, None))
        panel.xaxis.get_major_locator().set_params(integer=True)
        grey = {"color": "0.3"}
        panel.plot([], [], **grey, label="training")
        panel.plot([], [], **grey, linestyle="--", label=SPLITS[evaluated["split"].iloc[0]])
        panel.plot([], [], "*", **grey, label="chosen epoch")
        plots.legend(figure, *panel.get_legend_handles_labels(), columns=2)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
