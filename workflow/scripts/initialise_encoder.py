"""Draw an encoder's weights at random and measure its batch statistics: untrained/{encoder}/best.pt."""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"initialise_encoder {params.encoder}") as log:
    from torch import nn

    from atmodist.learning.devices import Hardware, one_device
    from atmodist.learning.saved import save_network
    from atmodist.learning.untrained import measure_statistics, random_encoder
    from atmodist.samples.batches import PairBatches, SampleFiles, loader

    settings = params.settings
    about = {"settings": settings, "patch": params.patch, "variables": params.variables}
    encoder = random_encoder(settings, params.variables, params.seed)
    samples = SampleFiles(snakemake.input.pairs, params.patch, params.variables)
    pairs = PairBatches(samples, settings["batch_size"]).spread(settings["batches"])
    device = one_device(Hardware(**snakemake.config["training"]))
    measure_statistics(device, encoder, progress(loader(pairs, pinned=device.on_gpu), "batches"))
    save_network(snakemake.output.best, nn.ModuleDict({"encoder": encoder.cpu()}), **about)
    log.info("statistics from %d pairs", len(pairs.numbers))
