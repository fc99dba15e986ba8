"""Measure strength, energy spectrum, memory and daily cycle of a split, from its spectral coefficients."""

from atmodist.core.job import job, progress

with job(snakemake.log[0], f"diagnose_atmosphere {snakemake.wildcards.split}") as log:
    from atmodist.core import netcdf
    from atmodist.data.diagnostics import (
        STEEPEST,
        Diagnostics,
        effective_degree,
        group_by_time,
        local_slopes,
        slope,
    )
    from atmodist.data.grib import read_verified
    from atmodist.data.packed import truncation_of

    files = progress(snakemake.input.grib, "periods")
    diagnostics = None
    for time, coefficients in group_by_time(read_verified(files, snakemake.input.checksums)):
        if diagnostics is None:
            diagnostics = Diagnostics(truncation_of(coefficients.shape[-1]), snakemake.params.step_hours)
        diagnostics.update(time, coefficients)
    result = diagnostics.result()
    third = round(diagnostics.truncation / 3), round(2 * diagnostics.truncation / 3)
    slopes = [slope(energy, *third) for energy in result["kinetic_energy"]]
    about = {"units": "1", "long_name": "exponent of the kinetic-energy spectrum", "degrees": third}
    result["slope"] = ("component", slopes, about)
    energy = result["kinetic_energy"].sum("component")
    result["local_slope"] = local_slopes(energy).assign_attrs(
        units="1", long_name="exponent of the kinetic-energy spectrum over the half octave below"
    )
    result.attrs |= {"steepest": STEEPEST, "effective_degree": effective_degree(energy)}
    netcdf.write(snakemake.output.diagnostics, result)
    divergence, vorticity = result["root_mean_square"].mean("time").values
    log.info("%d times, rms divergence %.1e s-1, vorticity %.1e s-1", len(result.time), divergence, vorticity)
    share = result.attrs["effective_degree"] / diagnostics.truncation
    log.info("turbulent down to degree %d, %.0f %%", result.attrs["effective_degree"], 100 * share)
