"""Write the model folder of an encoder that is not AtmoDist's, with its scales and its distances by lag."""

from pathlib import Path

from atmodist.core.job import job

params, files = snakemake.params, snakemake.input
with job(snakemake.log[0], f"export_encoder {params.encoder}") as log:
    import tempfile

    from atmodist import model_folder
    from atmodist.core import netcdf
    from atmodist.core.files import read_json
    from atmodist.data.variables import FIELDS
    from atmodist.figures import cards
    from atmodist.learning.saved import load_encoder
    from atmodist.model_card import card
    from atmodist.samples.normalise import Moments

    moments = Moments.load(files.moments)
    encoder, about = load_encoder(files.encoder, moments.variables)
    scales = [read_json(path) for path in files.scales]
    config = model_folder.ModelConfig(
        kind="encoder",
        name=params.encoder,
        network={key: about["settings"][key] for key in ("stages", "blocks")},
        moments=moments,
        units=[FIELDS[name].units for name in about["variables"]],
        **params.trained_on,
        scales={each["layer"]: each["scale"] for each in scales},
        about=model_folder.provenance(snakemake.config, weights_from=params.weights_from),
    )
    with tempfile.TemporaryDirectory() as folder:
        pictures = {"distances.png": Path(folder) / "distances.png"}
        losses = {each["layer"]: netcdf.read(path) for each, path in zip(scales, files.losses, strict=True)}
        cards.distances(pictures["distances.png"], losses)
        caption = (
            "Scaled distance of each layer, and the mean squared error, against lag: means over training "
        )
        text = card(encoder, config, [], {"distances.png": f"{caption}pairs of normalised fields."})
        model_folder.save(snakemake.output.folder, encoder, config, text, pictures)
    log.info("%s: %s", snakemake.output.folder, ", ".join(f"{k} {v:.4g}" for k, v in config.scales.items()))
