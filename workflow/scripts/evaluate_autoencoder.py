"""Choose the best epoch of an autoencoder and evaluate its reconstructions.

The epoch is chosen on the validation split or, where there is none, on the evaluation split. Writes
evaluation.csv, one row per epoch on the split that chooses, and of the chosen epoch on the evaluation split
errors.nc (one row per pair), reconstructions.nc (examples and spectra) and best.json; its network is best.pt.
"""

from atmodist.core.job import job, progress

with job(snakemake.log[0], f"evaluate_autoencoder {snakemake.wildcards.model}") as log:
    import pandas as pd
    import torch
    import xarray as xr

    from atmodist.core import netcdf
    from atmodist.core.files import replacing, write_json
    from atmodist.evaluation.reconstructions import Reconstructions, squared_errors
    from atmodist.learning.autoencoder import build
    from atmodist.learning.devices import Hardware, one_device, to_device
    from atmodist.learning.predictions import best_epoch
    from atmodist.learning.saved import networks_of_epochs, save_network
    from atmodist.samples.batches import PairBatches, SampleFiles, loader
    from atmodist.samples.normalise import Moments
    from atmodist.samples.shards import times_of

    params, settings = snakemake.params, snakemake.params.settings
    about = {"settings": settings, "patch": params.patch, "variables": params.variables}
    networks = networks_of_epochs(snakemake.input.weights, build, **about)
    device = one_device(Hardware(**snakemake.config["training"]))

    def pairs_of(paths):
        """All pairs of a split."""
        return PairBatches(SampleFiles(paths, params.patch, params.variables), settings["batch_size"])

    split = "validation" if snakemake.input.validation else "eval"
    pairs = pairs_of(snakemake.input.pairs)
    choosing = pairs_of(snakemake.input.validation) if snakemake.input.validation else pairs
    errors = squared_errors(device, networks, progress(loader(choosing, pinned=device.on_gpu), "all epochs"))
    losses = errors.mean((1, 2), dtype=float)
    epoch = best_epoch(losses, 0)
    best = networks[epoch - 1]
    if choosing is not pairs:
        errors = squared_errors(
            device, [best], progress(loader(pairs, pinned=device.on_gpu), "the best epoch")
        )
    found = errors[-1 if choosing is not pairs else epoch - 1]

    moments = Moments.load(snakemake.input.moments)
    reconstructions = Reconstructions(params.variables)
    for first, _, _ in progress(loader(pairs, pinned=device.on_gpu), "reconstructions"):
        patches = to_device(device, first)
        with torch.inference_mode(), device.autocast():
            both = patches, best(patches).float()
        reconstructions.update(*(moments.log_inverse(each.cpu(), axis=1).numpy() for each in both))

    table = pd.DataFrame({"epoch": range(1, len(networks) + 1), "split": split, "loss": losses})
    info = {"epoch": epoch, "chosen_on": split, "loss": float(found.mean(dtype=float))}
    time = times_of(snakemake.input.pairs)[pairs.numbers].astype("datetime64[ns]")
    squared_error = (("pair", "variable"), found, {"units": "1", "long_name": "mean squared error"})
    coordinates = {"time": ("pair", time, {"long_name": "time of the patch"}), "variable": params.variables}
    save_network(snakemake.output.best, best.cpu(), epoch=epoch, **about)
    netcdf.write(snakemake.output.errors, xr.Dataset({"squared_error": squared_error}, coordinates))
    netcdf.write(snakemake.output.reconstructions, reconstructions.result())
    write_json(snakemake.output.best_info, info)
    with replacing(snakemake.output.evaluation) as partial:
        table.assign(chosen=table["epoch"] == epoch).to_csv(partial, index=False)
    if info["loss"] > 1:
        log.warning("not trained yet: its squared error is more than that of the mean alone, 1")
    log.info("best of %d epochs is %d, chosen on %s: squared error %.4g", len(networks), *info.values())
