"""Draw a patch, its reconstruction by each autoencoder and the difference, and the mean spectra of all."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_reconstructions"):
    import numpy as np
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.figures import plots

    models = snakemake.params.models
    found = [netcdf.read(path) for path in snakemake.input.reconstructions]
    kinds, variables = found[0]["kind"].values, found[0]["variable"].values
    rows = len(models) * len(variables)
    with plots.style():
        size = plots.WIDTH, 0.4 + 1.75 * rows
        ratios = [*[1] * len(kinds), 1.3]
        figure, axes = pyplot.subplots(
            rows, len(ratios), figsize=size, squeeze=False, gridspec_kw={"width_ratios": ratios}
        )
        cases = [
            (model, each, variable)
            for model, each in zip(models, found, strict=True)
            for variable in variables
        ]
        for row, (model, each, variable) in zip(axes, cases, strict=True):
            example = each["field"].sel(variable=variable).isel(example=0)
            limit = plots.limit_of(found[0]["field"].sel(kind="patch", variable=variable).isel(example=0))
            for panel, kind in zip(row, kinds, strict=False):
                mesh = panel.imshow(example.sel(kind=kind), cmap=plots.SIGNED, vmin=-limit, vmax=limit)
                panel.set(xticks=[], yticks=[])
            row[0].set_ylabel(variable if len(models) == 1 else f"{model}: {variable}")
            figure.colorbar(mesh, ax=row[: len(kinds)], label="z", shrink=0.8, pad=0.01, extend="both")
            spectra = row[-1]
            power = each["power"].sel(variable=variable)
            for kind, colour in zip(kinds, ("black", plots.PALETTE[0], plots.PALETTE[1]), strict=True):
                spectra.plot(power["wavenumber"], power.sel(kind=kind), color=colour, label=kind)
            spectra.set(xscale="log", yscale="log", ylabel="power of z", xlabel="cycles a patch")
            spectra.set_xlim(1, float(power["wavenumber"].max()))
        for panel, kind in zip(axes[0], kinds, strict=False):
            panel.set_title(kind)
        axes[0, -1].set_title(f"mean spectra of {np.prod(found[0].attrs['patches'])} patches")
        axes[0, -1].legend(fontsize=6)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
