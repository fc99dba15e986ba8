"""Write the model folder of a super-resolution generator, with its rows of the summary."""

from atmodist.core.job import job

params, files = snakemake.params, snakemake.input
with job(snakemake.log[0], f"export_generator {params.model}") as log:
    from atmodist import model_folder
    from atmodist.data.variables import FIELDS
    from atmodist.learning import saved
    from atmodist.model_card import card, rows_of_summary
    from atmodist.samples.normalise import Moments

    moments, content = Moments.load(files.moments), params.content
    config = model_folder.ModelConfig(
        kind="generator",
        name=params.model,
        network=dict(params.generator),
        moments=moments,
        units=[FIELDS[name].units for name in moments.variables],
        **params.trained_on,
        about=model_folder.provenance(
            snakemake.config,
            epoch=params.epoch,
            content_loss=content if isinstance(content, str) else ", ".join(map(str, content.values())),
        ),
    )
    path = saved.file_of_epoch(files.weights, params.epoch)
    generator = model_folder.build(config)
    model_folder.load_tensors(generator, saved.load(path)["generator"], path)
    numbers = rows_of_summary(files.summary, "super_resolution", params.model)
    pictures = {"energy_spectrum.png": files.spectrum} if files.spectrum else {}
    captions = dict.fromkeys(pictures, "Kinetic-energy spectrum of this and the other systems.")
    text = card(generator, config, numbers, captions)
    model_folder.save(snakemake.output.folder, generator, config, text, pictures)
    log.info("%s: epoch %d", snakemake.output.folder, params.epoch)
