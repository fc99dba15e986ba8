"""Draw each region in low resolution, super-resolved by every system and in truth, and below it a detail."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_maps"):
    from matplotlib.patches import Rectangle

    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    systems, output = snakemake.params.systems, snakemake.output
    for (region, zoom), pdf, png in zip(snakemake.params.zooms.items(), output.pdf, output.png, strict=True):
        trees = {
            system: netcdf.open_tree(path)[region]
            for system, path in zip(systems, snakemake.input.maps, strict=True)
        }
        fields = {"low resolution": trees["truth"]["low/field"]}
        fields |= {system: trees[system]["high/field"] for system in systems if system != "truth"}
        fields["truth"] = trees["truth"]["high/field"]
        variables = fields["truth"]["variable"].values
        (south, north), (west, east) = zoom["latitude"], zoom["longitude"]
        with plots.style():
            figure, axes = plots.map_grid(fields["truth"], 2 * len(variables), len(fields))
            for rows, variable in zip(axes.reshape(len(variables), 2, -1), variables, strict=True):
                truth = fields["truth"].sel(variable=variable)
                look = plots.colours_of(variable, truth)
                for (whole, detail), field in zip(rows.T, fields.values(), strict=True):
                    for panel in (whole, detail):
                        mesh = plots.draw_map(panel, field.sel(variable=variable), *look)
                        if snakemake.params.coastlines:
                            plots.coastlines(panel)
                    whole.add_patch(Rectangle((west, south), east - west, north - south, fill=False))
                    detail.set(xlim=(west, east), ylim=(south, north))
                place = {"shrink": 0.9, "pad": 0.01, "aspect": 25}
                plots.colour_bar(figure, mesh, rows, variable, units.of(truth, variable), **place)
            plots.column_titles(axes[0], fields)
            plots.save(figure, pdf, png, snakemake.params.dpi)
