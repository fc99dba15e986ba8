"""Draw an atmosphere's spectrum beside what is known of the Earth's, its strength, memory and daily cycle."""

from atmodist.core.job import job

LAWS = {"−3": -3, "−5/3": -5 / 3}
COMPONENTS = ("rotational", "divergent")

with job(snakemake.log[0], "figure_synthetic_atmosphere"):
    from matplotlib import pyplot
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    from atmodist.core import netcdf
    from atmodist.figures import plots

    with netcdf.open_lazily(snakemake.input.diagnostics) as diagnostics, plots.style():
        strength = diagnostics["root_mean_square"]
        figure, axes = pyplot.subplots(2, 3, figsize=(plots.WIDTH, 4.6))
        spectrum, exponent, partition, steadiness, memory, day = axes.flat
        plots.panel_letters(axes.flat)

        energy = diagnostics["kinetic_energy"].sel(degree=slice(1, None))
        degree, slopes, last = energy["degree"], diagnostics["slope"], diagnostics.attrs["effective_degree"]
        steepest, middle = diagnostics.attrs["steepest"], int(degree[-1]) // 3
        spectrum.axvspan(*slopes.attrs["degrees"], color="0.93")
        for component in COMPONENTS:
            slope = f"{float(slopes.sel(component=component)):.1f}".replace("-", "−")
            spectrum.plot(degree, energy.sel(component=component), label=f"{component}: {slope}")
        for style, (law, power) in zip(("--", ":"), LAWS.items(), strict=True):
            part = degree.sel(degree=slice(middle // 2, None))
            level = 2 * float(energy.sum("component").sel(degree=middle))
            line = {"color": "0.4", "linewidth": 0.8, "linestyle": style}
            spectrum.plot(part, level * (part / middle) ** power, label=law, **line)
            exponent.axhline(power, **line)
            exponent.text(
                1, power, f"{law} ", transform=exponent.get_yaxis_transform(), va="bottom", ha="right"
            )
        spectrum.set(xscale="log", yscale="log", xlabel="degree")
        spectrum.set_ylabel(f"kinetic energy / {plots.unit('m2 s-2')}")

        local = diagnostics["local_slope"].sel(degree=slice(4, None))
        exponent.plot(local["degree"], local, color="black")
        exponent.axhspan(-9, steepest, color="0.93", zorder=0)
        exponent.axvline(last, color=plots.PALETTE[1], linewidth=0.8)
        share = f"{last / int(degree[-1]):.0%}"
        exponent.set(xlabel="degree", ylabel="slope over half an octave", ylim=(-9, 0))
        exponent.set_title(f"above {steepest:.0f} to {last}, {share}".replace("-", "−"), fontsize=7)

        rotational, divergent = (energy.sel(component=component) for component in COMPONENTS)
        partition.plot(degree, divergent / rotational, color="black")
        partition.axhline(1, color="0.8", linewidth=0.8, zorder=0)
        partition.set(xscale="log", yscale="log", xlabel="degree", ylabel="divergent / rotational energy")
        mean = strength.mean("time")
        ratio = float(mean.sel(variable="divergence") / mean.sel(variable="vorticity"))
        partition.set_title(f"rms ratio {ratio:.2f}", fontsize=7)

        power = 1e5
        for variable in strength["variable"].values:
            daily = strength.sel(variable=variable).resample(time="1D").mean()
            steadiness.plot(daily["time"], power * daily, label=variable)
        steadiness.set(ylabel=f"root mean square / 10⁻⁵ {plots.unit('s-1')}", ylim=(0, None))
        dates = AutoDateLocator(maxticks=4)
        steadiness.xaxis.set(major_locator=dates, major_formatter=ConciseDateFormatter(dates))

        correlation = diagnostics["autocorrelation"]
        for variable in correlation["variable"].values:
            memory.plot(correlation["lag"], correlation.sel(variable=variable), label=variable)
        memory.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        memory.set(xlabel="lag / h", ylabel="autocorrelation", xlim=(0, None), xticks=range(0, 97, 24))

        cycle = diagnostics["daily_cycle"] / mean.sel(variable="divergence")
        day.plot(cycle["local_time"], cycle)
        day.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        day.set(xlabel="local solar time / h", xlim=(0, 24), xticks=range(0, 25, 6))
        day.set_ylabel("equatorial divergence / rms")

        for panel in (spectrum, steadiness, memory):
            panel.legend(fontsize=6)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
