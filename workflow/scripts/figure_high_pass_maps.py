"""Draw the small scales of each region, of every system and in truth, on one colour scale."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_high_pass_maps"):
    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    systems, output = snakemake.params.systems, snakemake.output
    ordered = [*(system for system in systems if system != "truth"), "truth"]
    for region, pdf, png in zip(snakemake.params.regions, output.pdf, output.png, strict=True):
        fields = {
            system: netcdf.open_tree(path)[f"{region}/high_pass/field"]
            for system, path in zip(systems, snakemake.input.maps, strict=True)
        }
        variables = fields["truth"]["variable"].values
        with plots.style():
            figure, axes = plots.map_grid(fields["truth"], len(variables), len(ordered))
            for row, variable in zip(axes, variables, strict=True):
                truth = fields["truth"].sel(variable=variable)
                limit = plots.limit_of(truth)
                for panel, system in zip(row, ordered, strict=True):
                    mesh = plots.draw_map(panel, fields[system].sel(variable=variable), limit)
                    if snakemake.params.coastlines:
                        plots.coastlines(panel)
                place = {"shrink": 0.9, "pad": 0.01, "aspect": 25}
                plots.colour_bar(figure, mesh, row, variable, units.of(truth, variable), **place)
            plots.column_titles(axes[0], ordered)
            plots.save(figure, pdf, png, snakemake.params.dpi)
