"""Slide windows over the evaluation split and map how well a network predicts one lag.

And follow this and other lags through time, as means over the sphere.
"""

from atmodist.core.job import job

params = snakemake.params
with job(snakemake.log[0], f"map_uncertainty {snakemake.wildcards.model}") as log:
    import time

    import torch

    from atmodist.core import netcdf
    from atmodist.data import store
    from atmodist.evaluation import uncertainty
    from atmodist.learning.devices import Hardware, one_device, to_device
    from atmodist.learning.saved import load_network
    from atmodist.samples.normalise import Moments

    device = one_device(Hardware(**snakemake.config["training"]))
    fields = store.Fields(snakemake.input.fields)
    moments = Moments.load(snakemake.input.moments)
    network, about = load_network(snakemake.input.encoder, fields.variables)
    network = network.to(device.device, memory_format=torch.channels_last)

    def read(time):
        """Normalised field at an index of time."""
        return to_device(device, moments.forward(torch.from_numpy(fields.read(time))[None], axis=1))[0]

    started = time.monotonic()
    lag = params.lag_hours // params.step_hours
    known = len(network.tail[-1].weight)
    further = [hours // params.step_hours for hours in params.series_lag_hours]
    further = [steps for steps in further if steps <= known]
    first = uncertainty.first_times(fields.time, lag, params.times, params.seed)
    with device.autocast():
        maps = uncertainty.uncertainty_maps(
            network,
            read,
            fields.time,
            first,
            lag,
            fields.latitude,
            about["patch"],
            params.stride,
            further,
        )
    hours = params.step_hours * maps["lag"].values
    maps = maps.assign_coords(lag=("lag", hours, {"units": "hours"}))
    netcdf.write(snakemake.output.maps, maps.assign_attrs(lag_hours=params.lag_hours))
    windows = maps.sizes["latitude"] * maps.sizes["longitude"]
    log.info("%d windows at %d times in %.1f s", windows, len(first), time.monotonic() - started)
