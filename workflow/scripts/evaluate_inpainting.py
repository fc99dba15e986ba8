"""Fill the squares of the evaluation patches and score them: inpainting/{fill}/scores.nc.

A network is taken as the last epoch left it; Laplace's equation needs none.
"""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"evaluate_inpainting {params.fill}") as log:
    import torch

    from atmodist.core import netcdf
    from atmodist.evaluation.fills import DailySums, inserted, laplace_fill
    from atmodist.learning.autoencoder import build
    from atmodist.learning.devices import Hardware, one_device, to_device
    from atmodist.learning.inpainting import erased
    from atmodist.learning.saved import files_of_epochs, restore
    from atmodist.samples.batches import PairBatches, SampleFiles, loader
    from atmodist.samples.normalise import Moments
    from atmodist.samples.shards import times_of

    hardware = Hardware(**snakemake.config["training"])
    device = one_device(hardware if snakemake.input.weights else hardware.on_cpu())
    moments = Moments.load(snakemake.input.moments)
    samples = SampleFiles(snakemake.input.pairs, params.patch, params.variables)
    pairs = PairBatches(samples, params.batch_size)
    if snakemake.input.weights:
        last = files_of_epochs(snakemake.input.weights)[-1]
        network = build(params.settings, params.patch, params.variables)
        restore(network, last)
        network.to(device.device, memory_format=torch.channels_last).eval()

    def standardised(patches):
        """Normalised patches as standardised values."""
        return moments.log_inverse(patches.float().cpu(), axis=1).numpy()

    def filled(patches, truth):
        """Standardised patches with another square."""
        if not snakemake.input.weights:
            return laplace_fill(truth)
        with torch.inference_mode(), device.autocast():
            return inserted(truth, standardised(network(erased(patches))))

    sums = DailySums(params.variables, params.fill, times_of(snakemake.input.pairs)[pairs.numbers])
    for first, _, _ in progress(loader(pairs, pinned=device.on_gpu), "patches"):
        patches = to_device(device, first)
        truth = standardised(patches)
        sums.update(truth, filled(patches, truth))
    result = sums.result()
    netcdf.write(snakemake.output.scores, result)
    error = result["scores"].sel(system=params.fill, score="squared_error").sum("day") / len(pairs.numbers)
    log.info("squared error %s of %d patches", error.values.round(4).tolist(), len(pairs.numbers))
