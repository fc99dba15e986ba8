"""Encode the whole fields of some days and write their representations as NetCDF."""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"export_representations {params.encoder} {params.layer} {params.shard}") as log:
    import torch

    from atmodist.core.periods import Period
    from atmodist.data import store
    from atmodist.learning import representations
    from atmodist.learning.devices import Hardware, one_device, to_device
    from atmodist.learning.saved import load_encoder
    from atmodist.learning.sizes import LAYERS
    from atmodist.samples.normalise import Moments

    device = one_device(Hardware(**snakemake.config["training"]))
    fields = store.Fields(snakemake.input.fields)
    moments = Moments.load(snakemake.input.moments)
    encoder, about = load_encoder(snakemake.input.encoder, fields.variables)
    encoder = encoder.to(device.device, memory_format=torch.channels_last)
    days = Period.parse(params.shard).times(params.step_hours)
    indices = fields.indices(days)
    channels = encoder.channels[LAYERS.index(params.layer)]
    axes = days, fields.latitude, fields.longitude, channels, params.layer
    with representations.writing(snakemake.output.representations, *axes) as write:
        for number in progress(range(len(days)), "times"):
            field = moments.forward(torch.from_numpy(fields.read(indices[number])), axis=0)
            with device.autocast():
                field = to_device(device, field[None])[0]
                found = representations.represent(encoder, field, params.layer, halo=about["patch"])
            write(number, found.float().cpu().numpy())
    log.info("%d times of %d x %d x %d", len(days), *found.shape)
