"""Write the model folder of an AtmoDist network, with its scales, how well it does and two figures of it."""

from pathlib import Path

from atmodist.core.job import job

params, files = snakemake.params, snakemake.input
with job(snakemake.log[0], f"export_atmodist {params.model}") as log:
    import tempfile

    from atmodist import model_folder
    from atmodist.core import netcdf
    from atmodist.core.files import read_json
    from atmodist.data.variables import FIELDS
    from atmodist.figures import cards
    from atmodist.learning.saved import load_network
    from atmodist.model_card import card, rows_of_scores
    from atmodist.samples.normalise import Moments

    moments = Moments.load(files.moments)
    network, about = load_network(files.network, moments.variables)
    settings, best = about["settings"], read_json(files.best_info)
    scales = [read_json(path) for path in files.scales]
    config = model_folder.ModelConfig(
        kind="atmodist",
        name=params.model,
        network={key: settings[key] for key in ("stages", "blocks", "classes")} | {"patch": about["patch"]},
        moments=moments,
        units=[FIELDS[name].units for name in about["variables"]],
        **params.trained_on,
        scales={each["layer"]: each["scale"] for each in scales},
        about=model_folder.provenance(
            snakemake.config,
            epoch=about["epoch"],
            weights_from=settings.get("weights", "a training run of this config"),
        ),
    )
    numbers = rows_of_scores(best)
    with tempfile.TemporaryDirectory() as folder:
        pictures = {name: Path(folder) / name for name in ("confusion_matrix.png", "distances.png")}
        count = netcdf.read(files.confusion)["count"]
        losses = {each["layer"]: netcdf.read(path) for each, path in zip(scales, files.losses, strict=True)}
        cards.confusion(pictures["confusion_matrix.png"], count)
        cards.distances(pictures["distances.png"], losses)
        captions = {
            "confusion_matrix.png": "Predicted against true lag, evaluation pairs; rows add up to one.",
            "distances.png": "Scaled distance of each layer, and the mean squared error, against lag: means "
            "over training pairs of normalised fields.",
        }
        text = card(network, config, numbers, captions)
        model_folder.save(snakemake.output.folder, network, config, text, pictures)
    log.info("%s: %s", snakemake.output.folder, ", ".join(f"{k} {v:.4g}" for k, v in config.scales.items()))
