"""Choose the best epoch of a training run and evaluate it.

The epoch is chosen on the validation split or, where there is none, on the evaluation split, as in the paper.
Writes evaluation.csv, one row per epoch on the split that chooses, and of the chosen epoch on the evaluation
split confusion.nc, predictions.nc (one row per pair) and best.json; its network is best.pt.
"""

from atmodist.core.job import job, progress

with job(snakemake.log[0], f"evaluate_atmodist {snakemake.wildcards.model}") as log:
    import pandas as pd

    from atmodist.core import netcdf
    from atmodist.core.files import replacing, write_json
    from atmodist.learning import predictions
    from atmodist.learning.devices import Hardware, one_device
    from atmodist.learning.saved import build, networks_of_epochs, save_network
    from atmodist.learning.settings import AtmoDistSettings
    from atmodist.samples.batches import PairBatches, SampleFiles, loader
    from atmodist.samples.shards import times_of

    params, settings = snakemake.params, AtmoDistSettings.of(snakemake.params.settings)
    about = {"settings": params.settings, "patch": params.patch, "variables": params.variables}
    networks = networks_of_epochs(snakemake.input.weights, build, **about)

    device = one_device(Hardware(**snakemake.config["training"]))

    def pairs_of(paths):
        """Pairs of a split with the lags that the network knows."""
        samples = SampleFiles(paths, params.patch, params.variables)
        # Without a backward pass a GPU is kept busy by larger batches only.
        return PairBatches(samples, 4 * settings.batch_size, classes=settings.classes)

    def scores_of(networks, pairs, description):
        """Scores of networks on all pairs of a split."""
        batches = progress(loader(pairs, pinned=device.on_gpu), description)
        return predictions.evaluate(device, networks, batches, settings.classes)

    split = "validation" if snakemake.input.validation else "eval"
    pairs = pairs_of(snakemake.input.pairs)
    choosing = pairs_of(snakemake.input.validation) if snakemake.input.validation else pairs
    scores = scores_of(networks, choosing, "all epochs")
    table = [{"epoch": n, "split": split, **score.result()} for n, score in enumerate(scores, start=1)]
    losses = [row["loss"] for row in table]
    epoch = predictions.best_epoch(losses, settings.pretraining.epochs)
    best, chosen = networks[epoch - 1], [row["epoch"] == epoch for row in table]
    score = scores[epoch - 1] if choosing is pairs else scores_of([best], pairs, "the best epoch")[0]

    classes = settings.classes
    info = {"epoch": epoch, "chosen_on": split, **score.result(), "classes": classes, "chance": 1 / classes}
    save_network(snakemake.output.best, best, epoch=epoch, **about)
    netcdf.write(snakemake.output.confusion, score.confusion_matrix(params.step_hours))
    time = times_of(snakemake.input.pairs)[pairs.numbers]
    netcdf.write(snakemake.output.predictions, score.predictions(time))
    write_json(snakemake.output.best_info, info)
    with replacing(snakemake.output.evaluation) as partial:
        pd.DataFrame(table).assign(chosen=chosen).to_csv(partial, index=False)
    log.info(
        "best of %d epochs is %d, chosen on %s: loss %.4g, accuracy %.4g, top-3 accuracy %.4g (chance %.4g)",
        len(networks),
        *(info[k] for k in ("epoch", "chosen_on", "loss", "accuracy", "top3_accuracy", "chance")),
    )
