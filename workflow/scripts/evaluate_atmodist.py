"""Evaluate the network of every epoch and keep the best, that of the lowest loss.

Writes evaluation.csv with a row an epoch, and of the best epoch confusion.nc, predictions.nc (a row a pair),
best.json and best.pt. The loss decides because it is less noisy than the accuracy, which counts a narrow miss
like a wide one.
"""

from pathlib import Path

from atmodist.core.job import job, progress

with job(snakemake.log[0], f"evaluate_atmodist {snakemake.wildcards.model}") as log:
    import pandas as pd

    from atmodist.core.files import replacing, write_json
    from atmodist.learning import atmodist_training as atmodist
    from atmodist.learning.devices import device
    from atmodist.learning.saved import build, load_weights, save_network
    from atmodist.samples.batches import PairBatches, loader
    from atmodist.samples.shards import times_of

    params, settings = snakemake.params, snakemake.params.settings
    about = {"settings": settings, "patch": params.patch, "variables": params.variables}
    files = sorted(Path(snakemake.input.weights).glob("epoch-*.pt"))
    networks = [build(**about) for _ in files]
    for network, path in zip(networks, files, strict=True):
        network.load_state_dict(load_weights(path)["network"])

    fabric = device(snakemake.config["training"])
    pairs = PairBatches(
        snakemake.input.pairs,
        params.patch,
        params.variables,
        settings["batch_size"],
        classes=settings["classes"],
    )
    batches = progress(loader(pairs), "evaluating")
    scores = atmodist.evaluate(fabric, networks, batches, settings["classes"])

    table = pd.DataFrame([{"epoch": n, **score.result()} for n, score in enumerate(scores, start=1)])
    best = table["loss"].idxmin()
    info = {**table.loc[best], "epoch": int(table["epoch"][best]), "classes": settings["classes"]}
    info["chance"] = 1 / settings["classes"]
    save_network(snakemake.output.best, networks[best], epoch=info["epoch"], **about)
    with replacing(snakemake.output.confusion) as partial:
        scores[best].confusion_matrix(params.step_hours).to_netcdf(partial, engine="h5netcdf")
    time = times_of(snakemake.input.pairs)[pairs.numbers]
    with replacing(snakemake.output.predictions) as partial:
        scores[best].predictions(time).to_netcdf(partial, engine="h5netcdf")
    write_json(snakemake.output.best_info, info)
    with replacing(snakemake.output.evaluation) as partial:
        table.to_csv(partial, index=False)
    log.info(
        "best of %d epochs is %d: loss %.4g, accuracy %.4g, top-3 accuracy %.4g (chance %.4g)",
        len(files),
        *(info[k] for k in ("epoch", "loss", "accuracy", "top3_accuracy", "chance")),
    )
