"""Draw power by zonal wavenumber of the truth and of every system, within and above the truth's band."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_zonal_spectra"):
    from matplotlib import pyplot

    from atmodist.data import units
    from atmodist.evaluation.ratios import power_outside
    from atmodist.figures import plots

    truncation = snakemake.params.truncation
    powers = {
        system: plots.mean_over_blocks(path, "zonal_power")["zonal_power"]
        for system, path in zip(snakemake.params.systems, snakemake.input.evaluation, strict=True)
    }
    variables = powers["truth"]["variable"].values
    with plots.style():
        size = plots.WIDTH, 0.4 + 2.4 * len(variables)
        figure, axes = pyplot.subplots(len(variables), 1, figsize=size, squeeze=False, sharex=True)
        for panel, variable in zip(axes[:, 0], variables, strict=True):
            for system, look in plots.lines(list(powers)).items():
                power = powers[system].sel(variable=variable, wavenumber=slice(1, None))
                share = f"{float(power_outside(power, truncation)):.1e}".replace("-", "−")
                front = 3 if system == "truth" else 2
                label = f"{system} ({share})"
                panel.plot(power["wavenumber"], power, **{**look, "label": label}, zorder=front)
            last = int(power["wavenumber"][-1])
            panel.axvspan(truncation + 0.5, last, color="0.93", zorder=0)
            within = powers["truth"].sel(variable=variable, wavenumber=slice(1, truncation))
            lowest = min(
                float(each.sel(variable=variable)[truncation + 1 :].median()) for each in powers.values()
            )
            panel.set(xscale="log", yscale="log", xlim=(1, last))
            panel.set_ylim(max(lowest / 3, 1e-9 * float(within.max())), 3 * float(within.max()))
            panel.set_ylabel(f"power of {variable} / {plots.unit(units.of(within, variable))}")
            panel.legend(loc="lower left", fontsize=7, ncols=1 + len(powers) // 9)
        axes[-1, 0].set_xlabel("zonal wavenumber")
        plots.panel_letters(axes[:, 0])
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
