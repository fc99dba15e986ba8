"""Simulate a shallow-water atmosphere for a period, from the state that the period before left.

Writes the fields of every time step, the logarithm of surface pressure of every day, and the last state.
"""

from time import perf_counter

from atmodist.core.job import job, progress

with job(snakemake.log[0], f"simulate_atmosphere {snakemake.wildcards.period}") as log:
    import numpy as np

    from atmodist.core.files import write_checksum
    from atmodist.core.periods import Period
    from atmodist.data import grib
    from atmodist.data.shallow_water import Parameters, ShallowWater, State

    began, params = perf_counter(), snakemake.params
    settings = dict(params.synthetic)
    spin_up = np.timedelta64(settings.pop("spin_up_days"), "D")
    model = ShallowWater(params.truncation, Parameters(**settings), params.seed, params.chain)
    times = Period.parse(snakemake.wildcards.period).times(params.step_hours)
    if snakemake.input.get("state"):
        state = State.load(snakemake.input.state)
    else:
        state = model.initial_state(times[0] - spin_up)
    surface = []

    def fields():
        """The fields of every time step."""
        global state
        for time in progress(times, "simulating"):
            hours = int((time - model.time(state)) / np.timedelta64(1, "h"))
            state = model.advance(state, hours)
            for variable in params.variables:
                yield grib.Field(variable, time, params.level, getattr(state, variable))
            if time == time.astype("datetime64[D]"):
                surface.append(grib.Field("log_surface_pressure", time, 1, model.surface_pressure(state)))

    grib.write_fields(snakemake.output.grib, fields())
    grib.write_fields(snakemake.output.surface, surface)
    write_checksum(snakemake.output.grib, snakemake.output.checksum)
    write_checksum(snakemake.output.surface, snakemake.output.surface_checksum)
    state.save(snakemake.output.state)
    days = len(times) * params.step_hours / 24
    log.info("%.0f days, %.2g days a second", days, days / (perf_counter() - began))
