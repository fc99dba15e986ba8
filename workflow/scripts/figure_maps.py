"""Draw each region in low resolution, super-resolved by every system and in truth, in the same colours."""

from atmodist.job import job

with job(snakemake.log[0], "figure_maps"):
    import xarray as xr

    from atmodist import plots

    systems, output = snakemake.params.systems, snakemake.output
    for region, pdf, png in zip(snakemake.params.regions, output.pdf, output.png, strict=True):
        trees = {
            system: xr.open_datatree(path, engine="h5netcdf")[region]
            for system, path in zip(systems, snakemake.input.maps, strict=True)
        }
        fields = {"low resolution": trees["truth"]["low/field"]}
        fields |= {system: trees[system]["high/field"] for system in systems if system != "truth"}
        fields["truth"] = trees["truth"]["high/field"]
        variables = fields["truth"]["variable"].values
        with plots.style():
            figure, axes = plots.map_grid(fields["truth"], len(variables), len(fields))
            for row, variable in zip(axes, variables, strict=True):
                limit = plots.limit_of(fields["truth"].sel(variable=variable))
                for panel, field in zip(row, fields.values(), strict=True):
                    mesh = plots.draw_map(panel, field.sel(variable=variable), limit)
                    if snakemake.params.coastlines:
                        plots.coastlines(panel)
                plots.colour_bar(figure, mesh, row, variable, "s-1", shrink=0.9, pad=0.01, aspect=15)
            for panel, name in zip(axes[0], fields, strict=True):
                panel.set_title(name)
            plots.save(figure, pdf, png, snakemake.params.dpi)
