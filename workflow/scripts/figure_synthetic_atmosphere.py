"""Draw an atmosphere's strength by time, its energy spectrum, its memory and its daily cycle."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_synthetic_atmosphere"):
    import xarray as xr
    from matplotlib import pyplot

    from atmodist.figures import plots

    with xr.open_dataset(snakemake.input.diagnostics, engine="h5netcdf") as diagnostics, plots.style():
        strength = diagnostics["root_mean_square"]
        figure, axes = pyplot.subplots(2, 2, figsize=(plots.WIDTH, 5))
        steadiness, spectrum, memory, day = axes.flat
        plots.panel_letters(axes.flat)

        power = 1e5
        for variable in strength["variable"].values:
            daily = strength.sel(variable=variable).resample(time="1D").mean()
            steadiness.plot(daily["time"], power * daily, label=variable)
        steadiness.set(ylabel=f"root mean square / 10⁻⁵ {plots.unit('s-1')}", ylim=(0, None))
        steadiness.tick_params(axis="x", rotation=30)

        energy = diagnostics["kinetic_energy"].sel(degree=slice(1, None))
        slopes = diagnostics["slope"]
        spectrum.axvspan(*slopes.attrs["degrees"], color="0.93")
        for component in ("rotational", "divergent"):
            part, slope = energy.sel(component=component), float(slopes.sel(component=component))
            spectrum.plot(part["degree"], part, label=f"{component}: {slope:.1f}".replace("-", "−"))
        spectrum.set(xscale="log", yscale="log", xlabel="degree")
        spectrum.set_ylabel(f"kinetic energy / {plots.unit('m2 s-2')}")

        correlation = diagnostics["autocorrelation"]
        for variable in correlation["variable"].values:
            memory.plot(correlation["lag"], correlation.sel(variable=variable), label=variable)
        memory.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        memory.set(xlabel="lag / h", ylabel="autocorrelation", xlim=(0, None), xticks=range(0, 97, 24))

        cycle = diagnostics["daily_cycle"] / strength.sel(variable="divergence").mean()
        day.plot(cycle["local_time"], cycle)
        day.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        day.set(xlabel="local solar time / h", xlim=(0, 24), xticks=range(0, 25, 6))
        day.set_ylabel("equatorial divergence / rms")

        for panel, title in ((steadiness, None), (spectrum, "slope in the shaded third"), (memory, None)):
            panel.legend(title=title)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
