"""Average fields, or what an encoder makes of them, over a sector's longitudes, day by day.

Writes jet/{sector}/features/{source}.nc, what the linear probe reads: for every day of the split the mean
over some hours of each channel at each latitude.
"""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"average_sector {params.source}") as log:
    import numpy as np
    import torch
    import xarray as xr

    from atmodist.core import netcdf
    from atmodist.data import points, store
    from atmodist.evaluation.jet import Sector
    from atmodist.learning import representations
    from atmodist.learning.devices import Hardware, one_device, to_device
    from atmodist.learning.saved import load_encoder
    from atmodist.learning.sizes import stride
    from atmodist.samples.normalise import Moments

    hardware = Hardware(**snakemake.config["training"])
    device = one_device(hardware if snakemake.input.encoder else hardware.on_cpu())
    fields = store.Fields(snakemake.input.fields)
    moments = Moments.load(snakemake.input.moments)
    sector = Sector(**params.box)
    step = 1
    if snakemake.input.encoder:
        encoder, about = load_encoder(snakemake.input.encoder, fields.variables)
        encoder = encoder.to(device.device, memory_format=torch.channels_last)
        step = stride(params.layer)
    latitude, longitude = (
        np.array(points.middles(axis, step)) for axis in (fields.latitude, fields.longitude)
    )

    def features(time):
        """Means (channel, row) over the sector's longitudes at an index of time."""
        values = moments.forward(torch.from_numpy(fields.read(time)), axis=0)
        if snakemake.input.encoder:
            with device.autocast():
                field = to_device(device, values[None])[0]
                values = representations.represent(encoder, field, params.layer, about["patch"]).float().cpu()
        return sector.mean(values.numpy(), latitude, longitude)

    days, first = np.unique(fields.time.astype("datetime64[D]"), return_index=True)
    steps = [hour // params.step_hours for hour in params.hours]
    means = [np.mean([features(day + step) for step in steps], axis=0) for day in progress(first, "days")]
    result = xr.DataArray(
        np.stack(means).astype(np.float32),
        {"time": days.astype("datetime64[ns]"), "latitude": latitude[sector.rows(latitude)]},
        ("time", "channel", "latitude"),
        attrs={"units": "1", "long_name": f"{params.source} of the sector, averaged over its longitudes"},
    )
    netcdf.write(snakemake.output.features, result.to_dataset(name="features"))
    log.info("%d days of %d channels at %d latitudes", *result.shape)
