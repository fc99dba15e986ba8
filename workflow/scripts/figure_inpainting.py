"""Draw patches with a square that an equation and each network filled, beside the truth and the hole."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_inpainting"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.patches import Rectangle

    from atmodist.core import netcdf
    from atmodist.figures import plots
    from atmodist.samples.square import square_of

    fills = snakemake.params.fills
    found = [netcdf.read(path)["field"] for path in snakemake.input.scores]
    truth = found[0].sel(system="truth")
    square = square_of(truth.sizes["row"])
    hole = truth.copy()
    hole[..., square, square] = np.nan
    columns = {"erased": hole, **{name: each.isel(system=1) for name, each in zip(fills, found, strict=True)}}
    columns["truth"] = truth
    rows = [(n, variable) for n in range(truth.sizes["example"]) for variable in truth["variable"].values]
    with plots.style():
        size = plots.WIDTH, 0.3 + len(rows) * plots.WIDTH / (len(columns) + 0.7)
        figure, axes = pyplot.subplots(len(rows), len(columns), figsize=size, squeeze=False)
        for row, (example, variable) in zip(axes, rows, strict=True):
            at = {"example": example, "variable": list(truth["variable"].values).index(variable)}
            limit = plots.limit_of(truth.isel(at))
            for panel, field in zip(row, columns.values(), strict=True):
                mesh = panel.imshow(field.isel(at), cmap=plots.SIGNED, vmin=-limit, vmax=limit)
                corner, edge = (square.start - 0.5, square.start - 0.5), square.stop - square.start
                panel.add_patch(Rectangle(corner, edge, edge, fill=False, linewidth=0.6, linestyle=":"))
                panel.set(xticks=[], yticks=[])
            row[0].set_ylabel(variable)
            figure.colorbar(mesh, ax=row, label="z", pad=0.01, aspect=12, extend="both")
        for panel, name in zip(axes[0], columns, strict=True):
            panel.set_title(name)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
