"""Draw an encoder's weights at random and measure its batch statistics: untrained/{encoder}/best.pt."""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"initialise_encoder {params.encoder}") as log:
    from torch import nn

    from atmodist.learning.devices import device
    from atmodist.learning.saved import save_network
    from atmodist.learning.untrained import measure_statistics, random_encoder
    from atmodist.samples.batches import PairBatches, loader

    settings = params.settings
    about = {"settings": settings, "patch": params.patch, "variables": params.variables}
    encoder = random_encoder(settings, params.variables, params.seed)
    pairs = PairBatches(snakemake.input.pairs, params.patch, params.variables, settings["batch_size"])
    pairs = pairs.spread(settings["batches"])
    measure_statistics(device(snakemake.config["training"]), encoder, progress(loader(pairs), "batches"))
    save_network(snakemake.output.best, nn.ModuleDict({"encoder": encoder.cpu()}), **about)
    log.info("statistics from %d pairs", len(pairs.numbers))
