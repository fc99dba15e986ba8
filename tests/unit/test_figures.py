"""Every figure, drawn by its own script from small files: its panels, lines, labels, limits and legend.

Figures are caught before they are written, and what is in them is compared with the numbers that went in.
"""

import fabricated
import numpy as np
import pytest
from fabricated import ATMODIST, CITIES, FILLS, SRGAN, SYSTEMS, TIMES, VARIABLES
from fake_snakemake import SCRIPTS, run_script
from matplotlib import pyplot
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex

from atmodist.core import netcdf
from atmodist.evaluation.bootstrap import Bootstrap, interval
from atmodist.figures import plots

ESTIMATES = SYSTEMS[1:]
ZOOMS = {"Northern storm track": {"latitude": [35, 55], "longitude": [20, 40]}}
VIEWS = [[2, 20], [16, 63]]


def of_systems(make, systems=SYSTEMS, **params):
    """Input made for each system, and parameters."""
    return [make(system) for system in systems], {"systems": systems, **params}


def of_models(make, models, **params):
    """Input made for each model, and parameters."""
    return [make(model) for model in models], {"models": models, **params}


LOSSES = [fabricated.lag_losses(model) for model in ATMODIST]
TABLES = [fabricated.atmodist_table() for _ in ATMODIST]
SEASONS = [fabricated.uncertainty(1), fabricated.uncertainty(3)]
# figure: (name of its input, files or file of it and its parameters)
CASES = {
    "energy_spectrum": ("evaluation", *of_systems(fabricated.evaluation, views=VIEWS)),
    "power_spectra": ("evaluation", *of_systems(fabricated.evaluation, views=VIEWS)),
    "orderings": ("scores", fabricated.orderings(), {}),
    "zonal_spectra": ("evaluation", *of_systems(fabricated.evaluation, truncation=63)),
    "semivariogram": ("evaluation", *of_systems(fabricated.evaluation, grid_spacing=0.7)),
    "moment_maps": ("moments", *of_systems(fabricated.moments, variables=VARIABLES)),
    "error_histograms": ("evaluation", *of_systems(fabricated.evaluation, ESTIMATES)),
    "error_series": ("evaluation", *of_systems(fabricated.evaluation, ESTIMATES)),
    "city_boxes": ("cities", *of_systems(fabricated.cities, cities=CITIES)),
    "city_densities": ("cities", *of_systems(fabricated.cities, cities=CITIES)),
    "city_quantiles": ("cities", *of_systems(fabricated.cities)),
    "wasserstein": ("cities", *of_systems(fabricated.cities, ESTIMATES)),
    "city_map": ("cities", *of_systems(fabricated.cities, SRGAN)),
    "maps": ("maps", *of_systems(fabricated.maps, zooms=ZOOMS)),
    "high_pass_maps": ("maps", *of_systems(fabricated.maps, regions=list(ZOOMS))),
    "uncertainty": ("maps", SEASONS, {}),
    "predictability": (
        "maps",
        [fabricated.uncertainty(1), fabricated.uncertainty(3)],
        {"models": ["lags-15", "lags-23"], "block_days": 5, "resamples": 50, "seed": 1},
    ),
    "lag_losses": ("train", *of_models(fabricated.lag_losses, ATMODIST, lag_hours=60, eval=LOSSES)),
    "confusion_matrix": (
        "confusions",
        [fabricated.confusion(classes) for classes in (15, 23, 31)],
        {"models": ATMODIST},
    ),
    "training_curves": ("logs", TABLES, {"models": ATMODIST, "lags": [15, 23, 31], "evaluations": TABLES}),
    "srgan_curves": (
        "logs",
        [fabricated.srgan_table() for _ in SRGAN],
        {"models": SRGAN, "epochs": [3, 3, 3, 2], "pretraining": fabricated.srgan_table()},
    ),
    "data_snapshot": ("snapshot", fabricated.snapshot(), {}),
    "autoencoder_curves": (
        "logs",
        [fabricated.autoencoder_table() for _ in range(2)],
        {
            "models": ["autoencoder", "other"],
            "evaluations": [fabricated.autoencoder_table() for _ in range(2)],
        },
    ),
    "reconstructions": (
        "reconstructions",
        [fabricated.reconstructions() for _ in range(2)],
        {"models": ["autoencoder", "other"]},
    ),
    "inpainting_curves": (
        "logs",
        [fabricated.inpainting_table(False), fabricated.inpainting_table(True)],
        {"models": ["l2", "lags-23"]},
    ),
    "inpainting": ("scores", [fabricated.inpainting(fill) for fill in FILLS], {"fills": FILLS}),
    "inpainting_scores": (
        "scores",
        [fabricated.inpainting(fill) for fill in FILLS],
        {"fills": FILLS, "summary": fabricated.summary_of_inpainting()},
    ),
    "jet_latitudes": ("indices", [fabricated.jet(), fabricated.jet(300)], {"sectors": ["north", "south"]}),
    "jet_series": ("indices", [fabricated.jet(), fabricated.jet(200)], {"sectors": ["north", "south"]}),
    "jet_probe": ("probes", [fabricated.jet_probe()], {"sectors": ["north"]}),
    "field_distribution": ("histograms", fabricated.histograms(), {}),
    "synthetic_atmosphere": ("diagnostics", fabricated.diagnostics(), {}),
}
FURTHER_INPUTS = {"evaluations", "pretraining", "eval", "summary"}
PAGES = {"high_pass_maps": 1, "moment_maps": 2, "maps": 1, "uncertainty": 2}
"""Figures of several pages, whose outputs are lists."""


def written(folder, name, content):
    """Paths of files with the content."""
    if isinstance(content, list):
        return [written(folder, f"{name}-{number}", each) for number, each in enumerate(content)]
    if hasattr(content, "to_csv"):
        content.to_csv(folder / f"{name}.csv", index=False)
        return folder / f"{name}.csv"
    netcdf.write(folder / f"{name}.nc", content)
    return folder / f"{name}.nc"


def caught(folder, figure, **changed):
    """Run a figure's script and return the figures that it would have written: all is on their pages."""
    source, content, params = CASES[figure]
    inputs = {source: content} | {key: params[key] for key in params.keys() & FURTHER_INPUTS}
    pages = PAGES.get(figure)
    names = [f"{figure}-{page}" for page in range(pages)] if pages else figure
    outputs = {
        suffix: [folder / f"{name}.{suffix}" for name in names] if pages else folder / f"{names}.{suffix}"
        for suffix in ("pdf", "png")
    }
    figures = []

    def catch(drawn, pdf, png, dpi):
        drawn.draw_without_rendering()
        left, bottom, right, top = drawn.get_tightbbox().extents
        width, height = drawn.get_size_inches()
        assert min(left, bottom, width - right, height - top) > 0, "something lies beyond the page"
        figures.append(drawn)
        assert (pdf.suffix, png.suffix, dpi) == (".pdf", ".png", 50)
        assert pdf.stem == png.stem

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "save", catch)
        run_script(
            f"figure_{figure}",
            folder / f"{figure}.log",
            inputs={name: written(folder, name, each) for name, each in inputs.items()},
            outputs=outputs,
            params={"dpi": 50, "coastlines": True, **params, **changed},
        )
    assert len(figures) == (pages or 1)
    return figures if pages else figures[0]


@pytest.fixture(scope="module")
def draw(tmp_path_factory):
    """A figure by its name, or the list of its pages; each is drawn once."""
    drawn = {}

    def drawing(figure):
        if figure not in drawn:
            drawn[figure] = caught(tmp_path_factory.mktemp(figure), figure)
        return drawn[figure]

    return drawing


def panels(figure):
    """Axes with data: neither colour bars nor switched off."""
    return [axes for axes in figure.axes if axes.axison and axes.get_label() != "<colorbar>"]


def bars(figure):
    """What the colour bars say."""
    axes = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    return [each.get_ylabel() or each.get_xlabel() for each in axes]


def legend(figure):
    """Entries of the figure's one legend."""
    (found,) = figure.legends
    return [text.get_text() for text in found.get_texts()]


def line(panel, label):
    """Coordinates (x, y) of the one line with a label."""
    (found,) = (each for each in panel.lines if each.get_label() == label)
    return found.get_xdata(), found.get_ydata()


def mesh(panel):
    """Field of a panel's map, from south to north, and the limits of its colours."""
    (found,) = (each for each in panel.collections if isinstance(each, QuadMesh))
    return np.asarray(found.get_array()), found.get_clim()


def over_blocks(quantity):
    """Mean of the two blocks of a made-up evaluation; the first has twice as many frames."""
    return (2 * quantity.isel(block=0) + quantity.isel(block=1)) / 3


def band(drawn):
    """Lower and upper edge of a shaded band at each of its places."""
    places, values = drawn.get_paths()[0].vertices.T
    edges = [(values[places == place].min(), values[places == place].max()) for place in np.unique(places)]
    return np.transpose(edges)


def histogram(patch):
    """Counts and edges of a histogram drawn in steps."""
    corners = patch.get_xy()
    return corners[1:-1:2, 1], corners[::2, 0]


def drawn_field(field):
    """A field (latitude, longitude) as `mesh` gives it."""
    return field.sortby("latitude").transpose("latitude", "longitude").values


def tick_labels(panel):
    return [label.get_text() for label in panel.get_xticklabels()]


def titles(axes):
    return [panel.get_title() for panel in axes]


def test_every_figure_has_a_case():
    assert {path.stem.removeprefix("figure_") for path in SCRIPTS.glob("figure_*.py")} == set(CASES)


@pytest.mark.parametrize("figure", CASES)
def test_no_legend_is_wider_than_the_figure(draw, figure):
    drawn = draw(figure)
    for page in drawn if isinstance(drawn, list) else [drawn]:
        assert all(each.get_window_extent().width <= page.bbox.width for each in page.legends)


@pytest.mark.parametrize("figure", CASES)
def test_every_axis_has_a_name(draw, figure):
    """In the left column and the bottom row, for the others share theirs; maps have degrees, boxes names."""
    drawn = draw(figure)
    for page in drawn if isinstance(drawn, list) else [drawn]:
        for panel in panels(page):
            place = panel.get_subplotspec()
            if panel.get_aspect() == 1 or figure == "city_boxes":
                continue
            below = [each for each in panels(page) if each.get_subplotspec().colspan == place.colspan]
            lowest = place.rowspan.stop == max(each.get_subplotspec().rowspan.stop for each in below)
            dates = panel.xaxis.get_converter() is not None
            assert panel.get_xlabel() or not lowest or dates, (figure, panel)
            assert panel.get_ylabel() or place.colspan.start > 0, (figure, panel)


def test_energy_spectrum_shows_the_energy_of_both_flows_in_each_view(draw):
    figure = draw("energy_spectrum")
    assert legend(figure) == SYSTEMS
    assert len(panels(figure)) == len(VIEWS)
    for panel, (first, last) in zip(panels(figure), VIEWS, strict=True):
        assert panel.get_xlim() == (first, last)
        assert (panel.get_yscale(), panel.get_xlabel()) == ("log", "degree")
        for system in SYSTEMS:
            degree, energy = line(panel, system)
            expected = over_blocks(fabricated.evaluation(system)["kinetic_energy"]).sum("flow")
            np.testing.assert_array_equal(degree, range(first, last + 1))
            np.testing.assert_allclose(energy, expected.sel(degree=slice(first, last)))
    assert panels(figure)[0].get_ylabel() == "kinetic energy / m² s⁻²"


def test_orderings_have_a_panel_of_every_family(draw):
    found = panels(draw("orderings"))
    table = fabricated.orderings()
    assert len(found) == 9
    assert titles(found)[0] == "later"
    assert [label.get_text() for label in found[0].get_yticklabels()] == ["l1", "random stage1"]
    for panel, family in zip(found, table["family"].unique(), strict=True):
        scores = table[table["family"] == family]
        for bars, name in zip(panel.containers, ("right", "monotonicity"), strict=True):
            np.testing.assert_array_equal(bars[0].get_xdata(), scores[name])
            if family not in ("blur", "scramble") or name == "right":
                ends = np.array([segment[:, 0] for segment in bars[2][0].get_segments()])
                np.testing.assert_allclose(ends, scores[[f"{name}_low", f"{name}_high"]])
    assert {panel.get_xlabel() for panel in found[6:]} == {"score"}


def test_zonal_spectra_shade_what_the_truth_has_not(draw):
    found = panels(draw("zonal_spectra"))
    assert len(found) == len(VARIABLES)
    for panel, variable in zip(found, VARIABLES, strict=True):
        assert panel.get_ylabel() == f"power of {variable} / s⁻²"
        (shade,) = panel.patches
        assert (shade.get_x(), shade.get_x() + shade.get_width()) == (63.5, 128)
        power = over_blocks(fabricated.evaluation("l2")["zonal_power"]).sel(variable=variable)
        share = f"{float(power[64:].sum() / power[1:].sum()):.1e}".replace("-", "−")
        wavenumber, drawn = line(panel, f"l2 ({share})")
        assert wavenumber[0] == 1
        np.testing.assert_allclose(drawn, power[1:])
        assert line(panel, "truth (0.0e+00)")[1][63:].max() == 0
        names = [text.get_text().split(" (")[0] for text in panel.get_legend().get_texts()]
        assert names == SYSTEMS
    assert found[-1].get_xlabel() == "zonal wavenumber"


def test_power_spectra_have_a_row_for_each_variable(draw):
    figure = draw("power_spectra")
    assert legend(figure) == SYSTEMS
    rows = np.reshape(panels(figure), (len(VARIABLES), len(VIEWS)))
    for row, variable in zip(rows, VARIABLES, strict=True):
        assert row[0].get_ylabel() == f"power of {variable} / s⁻²"
        for panel, (first, last) in zip(row, VIEWS, strict=True):
            assert panel.get_xlim() == (first, last)
            for system in SYSTEMS:
                expected = over_blocks(fabricated.evaluation(system)["power"]).sel(variable=variable)
                np.testing.assert_allclose(line(panel, system)[1], expected.sel(degree=slice(first, last)))


def test_semivariogram_is_over_the_truths_variance_and_below_over_the_truth(draw):
    """The truth's variance is that of all frames: 5e-10 - (1e-5)² and 4e-10 s-2 for the made-up variables."""
    figure = draw("semivariogram")
    assert legend(figure) == [*SYSTEMS, "below the grid's spacing"]
    top, bottom = np.reshape(panels(figure), (2, len(VARIABLES)))
    for panel in (*top, *bottom):  # of 0.7°, 78 km
        (band,) = panel.patches
        assert band.get_x() < 25
        assert band.get_x() + band.get_width() == pytest.approx(40_031 * 0.7 / 360, rel=1e-3)
    assert titles(top) == VARIABLES
    truth = over_blocks(fabricated.evaluation("truth")["semivariance"])
    for system in SYSTEMS:
        semivariance = over_blocks(fabricated.evaluation(system)["semivariance"])
        for column in range(len(VARIABLES)):
            distance, values = line(top[column], system)
            assert distance.tolist() == [25, 50, 100, 200, 300, 500, 1000]
            np.testing.assert_allclose(values, semivariance[column] / 4e-10)
            np.testing.assert_allclose(line(bottom[column], system)[1], semivariance[column] / truth[column])
    assert top[0].get_ylabel() == "semivariance / variance of the truth"
    assert (top[0].get_xscale(), top[0].get_yscale()) == ("log", "log")
    assert bottom[0].get_ylim()[0] == 0
    assert bottom[0].get_xlabel() == "distance / km"


@pytest.mark.parametrize("number", range(len(VARIABLES)))
def test_moment_maps_show_the_truth_and_below_what_systems_differ_by(draw, number):
    figure, variable = draw("moment_maps")[number], VARIABLES[number]
    truth, *estimates = (fabricated.moments(system).sel(variable=variable) for system in SYSTEMS)
    first, rest = panels(figure)[:2], np.reshape(panels(figure)[2:], (len(estimates), 3))
    assert titles(first) == ["mean over time", "standard deviation"]
    assert titles(rest[0]) == ["", "", "root mean squared error"]
    for panel, name in zip(first, ("mean", "std"), strict=True):
        np.testing.assert_allclose(mesh(panel)[0], drawn_field(truth[name]))
    for row, system, estimate in zip(rest, ESTIMATES, estimates, strict=True):
        assert row[0].get_ylabel() == f"{system} − truth"
        for panel, field in zip(
            row,
            (estimate["mean"] - truth["mean"], estimate["std"] - truth["std"], estimate["rmse"]),
            strict=True,
        ):
            np.testing.assert_allclose(mesh(panel)[0], drawn_field(field), atol=1e-18)
    for column in rest.T:
        assert len({mesh(panel)[1] for panel in column}) == 1, "a column has one colour scale"
    for panel in (first[0], *rest[:, 0], *rest[:, 1]):
        low, high = mesh(panel)[1]
        assert low == -high
    assert all(mesh(panel)[1][0] == 0 for panel in (first[1], *rest[:, 2]))
    assert [bar.split(" / ")[0] for bar in bars(figure)] == [variable, "difference"] * 2 + [variable]
    assert all(bar.endswith("s⁻¹") for bar in bars(figure))


def test_error_histograms_count_every_time(draw):
    figure = draw("error_histograms")
    assert legend(figure) == ESTIMATES
    rows = np.reshape(panels(figure), (len(VARIABLES), 2))
    for row, variable in zip(rows, VARIABLES, strict=True):
        assert row[0].get_ylabel() == f"{variable}\nnumber of times"
        for panel, (quantity, unit) in zip(
            row, (("mean_squared_error", "s⁻²"), ("total_variation_difference", "s⁻¹")), strict=True
        ):
            assert panel.get_xlabel().endswith(unit)
            for system, patch in zip(ESTIMATES, panel.patches, strict=True):
                assert to_hex(patch.get_edgecolor()) == to_hex(plots.lines(ESTIMATES)[system]["color"])
                counts, edges = histogram(patch)
                values = fabricated.evaluation(system)[quantity].sel(variable=variable)
                np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])
                assert counts.sum() == len(TIMES)


def test_error_series_are_faint_and_their_running_means_strong(draw):
    """Thirty days of eight times: running means over five days, 40 times."""
    figure = draw("error_series")
    assert legend(figure) == ESTIMATES
    assert figure.legends[0].get_title().get_text() == "running means over 5 days"
    rows = np.reshape(panels(figure), (len(VARIABLES), 2))
    assert titles(rows[0]) == ["mean squared error", "total variation less the truth's"]
    for row, variable in zip(rows, VARIABLES, strict=True):
        for panel, quantity in zip(row, ("mean_squared_error", "total_variation_difference"), strict=True):
            assert panel.get_ylabel().startswith(f"{variable} / 10")
            faint = [each for each in panel.lines if each.get_alpha() == 0.3]
            for system, each in zip(ESTIMATES, faint, strict=True):
                values = fabricated.evaluation(system)[quantity].sel(variable=variable).values
                np.testing.assert_array_equal(each.get_ydata(), values)
                mean = line(panel, system)[1]
                mean = mean[np.isfinite(mean)]
                np.testing.assert_allclose(mean, np.convolve(values, np.ones(40) / 40, "valid"))


def test_city_boxes_are_made_of_quantiles(draw):
    figure = draw("city_boxes")
    rows = np.reshape(panels(figure), (len(VARIABLES), len(CITIES)))
    assert titles(rows[0]) == CITIES
    assert all(tick_labels(panel) == SYSTEMS for panel in rows[-1])
    for row, variable in zip(rows, VARIABLES, strict=True):
        assert row[0].get_ylabel() == f"{variable} / 10⁻⁵ s⁻¹"
        for panel, city in zip(row, CITIES, strict=True):
            for place, system in enumerate(SYSTEMS):
                at = fabricated.cities(system)["quantiles"].sel(window=1, variable=variable, city=city)
                heights = [
                    sorted(set(np.round(each.get_ydata(), 12)))
                    for each in panel.lines
                    if abs(np.mean(each.get_xdata()) - place) < 0.01
                ]
                drawn = sorted({height for each in heights for height in each} - {0.0})
                np.testing.assert_allclose(drawn, sorted(set(np.round(at.values, 12)) - {0.0}))
                dots = np.round(at.sel(quantile=[0.09, 0.91]).values, 12).tolist()
                assert dots in heights


def test_city_densities_are_steps_between_the_edges(draw):
    figure = draw("city_densities")
    assert legend(figure) == SYSTEMS
    blocks = np.reshape(panels(figure), (len(VARIABLES), len(CITIES)))
    for block, variable in zip(blocks, VARIABLES, strict=True):
        assert titles(block) == CITIES
        for panel, city in zip(block, CITIES, strict=True):
            assert panel.get_yscale() == "log"
            assert panel.get_xlabel() == f"{variable} / 10⁻⁵ s⁻¹"
            for system, steps in zip(SYSTEMS, panel.patches, strict=True):
                at = fabricated.cities(system).sel(window=3, variable=variable, city=city)
                np.testing.assert_allclose(steps.get_data().values, at["density"])
                np.testing.assert_allclose(steps.get_data().edges, at["bin_edge"])
        assert block[0].get_ylabel() == "density / s"


def test_city_quantiles_are_medians_and_middle_halves_of_errors(draw):
    figure = draw("city_quantiles")
    assert legend(figure) == SYSTEMS
    rows = np.reshape(panels(figure), (len(VARIABLES), 3))
    assert titles(rows[0]) == ["1 × 1 pixels", "2 × 2 pixels", "3 × 3 pixels"]
    truth = fabricated.cities("truth")["quantiles"]
    for row, variable in zip(rows, VARIABLES, strict=True):
        assert row[0].get_ylabel().startswith(f"difference of {variable} / 10")
        for panel, window in zip(row, (1, 2, 3), strict=True):
            assert set(line(panel, "truth")[1]) == {0}
            for system, band in zip(ESTIMATES, panel.collections, strict=True):
                error = (fabricated.cities(system)["quantiles"] - truth).sel(variable=variable, window=window)
                low, middle, high = np.quantile(error.transpose("city", ...), [0.25, 0.5, 0.75], 0)
                np.testing.assert_allclose(line(panel, system)[1], middle, atol=1e-18)
                (corners,) = (path.vertices for path in band.get_paths())
                assert corners[:, 1].min() == pytest.approx(low.min())
                assert corners[:, 1].max() == pytest.approx(high.max())
    for panel in rows[-1]:
        assert panel.get_xlabel() == "quantile / %"
        assert tick_labels(panel) == ["2", "9", "25", "50", "75", "91", "98"]


def test_wasserstein_counts_every_city_and_marks_the_medians(draw):
    figure = draw("wasserstein")
    assert legend(figure) == ESTIMATES
    rows = np.reshape(panels(figure), (len(VARIABLES), 3))
    for row, variable in zip(rows, VARIABLES, strict=True):
        assert row[0].get_ylabel() == "number of cities"
        for panel, window in zip(row, (1, 2, 3), strict=True):
            assert panel.get_xlabel() == f"distance of {variable} / 10⁻⁵ s⁻¹"
            medians = [each.get_xdata()[0] for each in panel.lines]
            at = {"variable": variable, "window": window}
            expected = [fabricated.cities(s)["wasserstein"].sel(at).median().item() for s in ESTIMATES]
            np.testing.assert_allclose(medians, expected)
            assert [histogram(patch)[0].sum() for patch in panel.patches] == [150] * len(ESTIMATES)


def test_city_map_marks_thirty_best_and_worst_and_counts_all(draw):
    figure = draw("city_map")
    assert legend(figure) == ["best", "worst", "others"]
    assert figure.legends[0].get_title().get_text().endswith("relative to l2")
    rows = np.reshape(panels(figure), (len(SRGAN) - 1, len(VARIABLES)))
    against = fabricated.cities("l2").sel(window=1)
    for row, system in zip(rows, SRGAN[1:], strict=True):
        found = fabricated.cities(system).sel(window=1)
        for panel, variable in zip(row, VARIABLES, strict=True):
            assert (panel.get_xlim(), panel.get_ylim()) == ((-180, 180), (-90, 90))
            ratio = (found["wasserstein"] / against["wasserstein"]).sel(variable=variable)
            order = ratio.sortby(ratio)
            for kind, cities in (("best", order[:30]), ("worst", order[-30:]), ("others", order[30:-30])):
                longitude, latitude = line(panel, kind)
                assert set(zip(longitude, latitude, strict=True)) == set(
                    zip(cities["longitude"].values, cities["latitude"].values, strict=True)
                )
            counts = [int((ratio < 1 / 1.1).sum()), int((ratio > 1.1).sum())]
            better, worse = counts
            expected = f"{better} better, {150 - better - worse} equal, {worse} worse"
            assert panel.get_title() == f"{system}, {variable}\n{expected}"


def test_maps_have_one_colour_scale_and_show_the_frames_part_below(draw):
    (figure,) = draw("maps")
    names = ["low resolution", *ESTIMATES, "truth"]
    rows = np.reshape(panels(figure), (2 * len(VARIABLES), len(names)))
    assert titles(rows[0]) == names
    for number, variable in enumerate(VARIABLES):
        whole, detail = rows[2 * number], rows[2 * number + 1]
        assert len({mesh(panel)[1] for panel in (*whole, *detail)}) == 1
        for name, *pair in zip(names, whole, detail, strict=True):
            tree = fabricated.maps("truth" if name == "low resolution" else name)
            resolution = "low" if name == "low resolution" else "high"
            field = tree[f"Northern storm track/{resolution}"]["field"].sel(variable=variable)
            for panel in pair:
                np.testing.assert_allclose(mesh(panel)[0], drawn_field(field))
            (frame,) = pair[0].patches
            assert (*frame.get_xy(), frame.get_width(), frame.get_height()) == (20, 35, 20, 20)
            assert (pair[1].get_xlim(), pair[1].get_ylim()) == ((20, 40), (35, 55))
    assert [bar.split(" / ")[0] for bar in bars(figure)] == VARIABLES


@pytest.mark.parametrize("page", [0, 1])
def test_uncertainty_has_a_map_of_each_quantity_and_season(draw, page):
    figure, data = draw("uncertainty")[page], SEASONS[page]
    names = list(data.drop_vars(["pairs", "series"]))
    assert len(names) == 6
    maps = np.reshape(panels(figure), (len(names), data.sizes["season"]))
    for row, name in zip(maps, names, strict=True):
        assert {mesh(panel)[1] for panel in row} == {(float(data[name].min()), float(data[name].max()))}
        for panel, season in zip(row, data["season"].values, strict=True):
            np.testing.assert_allclose(mesh(panel)[0], drawn_field(data[name].sel(season=season)))
            assert panel.get_ylim() == pytest.approx((-85.714, 85.714), abs=1e-3)
    scales = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    shares = [all(tick.get_text().endswith("%") for tick in axes.get_yticklabels()) for axes in scales]
    assert shares == [True] * 5 + [False], "all but the entropy"
    if page:
        assert titles(maps[0]) == [
            "whole (240 times)",
            "April to September (120 times)",
            "October to March (120 times)",
        ]
        assert figure.get_suptitle() == "lag 48 h"
        assert bars(figure)[-2:] == ["probability of the\ntrue lag ± 1 class", "entropy / nat"]
    else:
        assert titles(maps[-2:, 0]) == ["probability of the true lag ± 1 class", "entropy / nat"]
        assert figure.get_suptitle() == "lag 48 h, 240 times"


def test_data_snapshot_shows_each_variable_at_its_moment(draw):
    figure = draw("data_snapshot")
    assert figure.get_suptitle() == "2001-08-01 00:00 UTC"
    for panel, variable in zip(panels(figure), VARIABLES, strict=True):
        values, (low, high) = mesh(panel)
        np.testing.assert_allclose(values, drawn_field(fabricated.field("truth").sel(variable=variable)))
        assert low == -high
        assert (abs(values) <= high).mean() >= 0.99
    assert bars(figure) == [f"{variable} / 10⁻⁵ s⁻¹" for variable in VARIABLES]


def test_field_distribution_stands_beside_the_normal_distribution(draw):
    figure = draw("field_distribution")
    assert legend(figure) == [*VARIABLES, "normal distribution"]
    assert titles(panels(figure)) == ["standardised", "after the log transform"]
    density = fabricated.histograms()["density"]
    for panel, transform in zip(panels(figure), ("standardised", "logarithmic"), strict=True):
        assert panel.get_yscale() == "log"
        assert panel.get_xlabel() == "value / standard deviation"
        for variable in VARIABLES:
            value, drawn = line(panel, variable)
            np.testing.assert_allclose(drawn, density.sel(transform=transform, variable=variable))
        value, normal = line(panel, "normal distribution")
        assert np.trapezoid(normal, value) == pytest.approx(1)
        assert np.trapezoid(normal * value**2, value) == pytest.approx(1)
    assert panels(figure)[0].get_ylabel() == "probability density"


def test_synthetic_atmosphere_shows_strength_spectrum_memory_and_day(draw):
    data = fabricated.diagnostics()
    found = panels(draw("synthetic_atmosphere"))
    spectrum, exponent, partition, strength, memory, day = found
    assert [panel.get_title(loc="left") for panel in found] == list("abcdef")
    for variable in VARIABLES:
        np.testing.assert_allclose(line(strength, variable)[1], 2)
        lag, correlation = line(memory, variable)
        np.testing.assert_allclose(correlation, data["autocorrelation"].sel(variable=variable))
        assert lag.tolist() == data["lag"].values.tolist()
    assert strength.get_ylabel() == "root mean square / 10⁻⁵ s⁻¹"
    for component in ("rotational", "divergent"):
        _, energy = line(spectrum, f"{component}: −3.0")
        np.testing.assert_allclose(energy, data["kinetic_energy"].sel(component=component)[1:])
    (shade,) = spectrum.patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (21, 42)
    for law, power in (("−3", -3), ("−5/3", -5 / 3)):
        degree, drawn = line(spectrum, law)
        np.testing.assert_allclose(np.diff(np.log(drawn)) / np.diff(np.log(degree)), power)
    drawn = {tuple(each.get_ydata()) for each in exponent.lines}
    assert tuple(data["local_slope"][4:].values) in drawn
    assert exponent.get_title() == "above −4 to 55, 87%"
    np.testing.assert_allclose(partition.lines[0].get_ydata(), 1 / 9)
    assert partition.get_title() == "rms ratio 1.00"
    assert (spectrum.get_xlabel(), spectrum.get_ylabel()) == ("degree", "kinetic energy / m² s⁻²")
    assert memory.get_xlabel() == "lag / h"
    np.testing.assert_allclose(day.lines[0].get_ydata(), data["daily_cycle"] / 2e-5)
    assert (day.get_xlabel(), day.get_xlim()) == ("local solar time / h", (0, 24))


@pytest.mark.parametrize(("last", "ticks"), [(93, 12), (108, 12), (109, 24), (372, 48)])
def test_hours_are_marked_so_that_their_numbers_have_room(last, ticks):
    axis = pyplot.figure().add_subplot(xlim=(0, last)).xaxis
    plots.mark_hours(axis, 12)
    assert np.diff(axis.get_majorticklocs()).tolist()[:2] == [ticks, ticks]
    pyplot.close()


@pytest.mark.parametrize("count", [1, 2, 4, 5, 7])
def test_confusion_matrices_of_any_number_of_models(tmp_path, monkeypatch, count):
    models = [f"lags-{number}" for number in range(count)]
    monkeypatch.setitem(
        CASES, "confusion_matrix", ("confusions", [fabricated.confusion(15)] * count, {"models": models})
    )
    assert titles(panels(caught(tmp_path, "confusion_matrix"))) == models


def test_confusion_matrix_shows_shares_of_each_true_lag(draw):
    figure = draw("confusion_matrix")
    assert titles(panels(figure)) == ATMODIST
    for panel, classes in zip(panels(figure), (15, 23, 31), strict=True):
        count = fabricated.confusion(classes)["count"].values
        shares, (low, _) = mesh(panel)
        np.testing.assert_allclose(shares, count / count.sum(1, keepdims=True))
        assert low == 0
        assert (panel.get_xlabel(), panel.get_ylabel()) == ("predicted lag / h", "true lag / h")
        (diagonal,) = panel.lines
        assert diagonal.get_xdata().tolist() == diagonal.get_ydata().tolist() == [3, 3 * classes]
    assert bars(figure) == ["share of the pairs of a true lag"]


def stars(panel):
    """Coordinates of what is marked in a panel."""
    marked = (each for each in panel.lines if each.get_marker() == "*" and len(each.get_xdata()))
    return [(*each.get_xdata(), *each.get_ydata()) for each in marked]


def level(panel):
    """Heights of the lines across a whole panel."""
    return [each.get_ydata()[0] for each in panel.lines if list(each.get_xdata()) == [0, 1]]


def shaded(panel):
    """Where the shades of a panel begin and end."""
    return {(shade.get_x(), shade.get_x() + shade.get_width()) for shade in panel.patches}


def test_training_curves_mark_the_chosen_epoch_the_pretraining_and_chance(draw):
    lags = np.array([15, 23, 31])
    chances = {"loss": np.log(lags), "accuracy": 1 / lags, "top3_accuracy": 3 / lags}
    figure = draw("training_curves")
    for panel, (quantity, chance) in zip(panels(figure), chances.items(), strict=True):
        assert stars(panel) == [(6, table[quantity][5]) for table in TABLES]
        assert shaded(panel) == {(0.5, 2.5)}
        np.testing.assert_allclose(level(panel), chance)
        for model, table in zip(ATMODIST, TABLES, strict=True):
            np.testing.assert_array_equal(line(panel, model), (table["epoch"], table[quantity]))
        dashed = [each for each in panel.lines if each.get_linestyle() == "--" and len(each.get_xdata())]
        assert [list(each.get_ydata()) for each in dashed] == [list(table[quantity]) for table in TABLES]
        assert panel.get_ylim()[0] <= min(chance) <= max(chance) <= panel.get_ylim()[1]
    assert {"training", "validation", "chosen epoch", "chance"} <= set(legend(figure))


def test_srgan_curves_begin_with_the_pretraining_and_say_how_often_the_discriminator_is_right(draw):
    table = fabricated.srgan_table()
    figure = draw("srgan_curves")
    content, adversarial, discriminator, right = panels(figure)
    assert all(shaded(panel) == {(-4.5, 0.5)} for panel in panels(figure))
    alone = line(content, "generator alone (MSE)")
    np.testing.assert_array_equal(alone, (np.arange(-4, 1), table["loss"]))
    for panel, quantity in ((content, "content"), (adversarial, "adversarial")):
        assert stars(panel) == [(epoch, table[quantity][epoch - 1]) for epoch in (3, 3, 3, 2)]
    assert level(discriminator) == [pytest.approx(np.log(2))]
    for model in SRGAN:
        np.testing.assert_array_equal(line(right, model)[1], table["right_on_real"])
    dashed = [list(each.get_ydata()) for each in right.lines if each.get_linestyle() == "--"]
    assert dashed == [list(table["right_on_generated"])] * len(SRGAN)
    assert {"on real patches", "on generated patches", "evaluated epoch"} <= set(legend(figure))


def test_srgan_curves_of_a_content_loss_alone_have_no_duel(tmp_path, monkeypatch):
    alone = fabricated.srgan_table()[["epoch", "learning_rate", "loss", "content"]]
    kind, _, params = CASES["srgan_curves"]
    monkeypatch.setitem(CASES, "srgan_curves", (kind, [alone for _ in SRGAN], params))
    content, *duel = panels(caught(tmp_path, "srgan_curves"))
    for model in SRGAN:
        np.testing.assert_array_equal(line(content, model), (alone["epoch"], alone["content"]))
    assert not any(each.get_label() in SRGAN for panel in duel for each in panel.lines)


def test_lag_losses_scale_the_content_loss_onto_each_distance(draw):
    figure = draw("lag_losses")
    for row in (panels(figure)[:4], panels(figure)[4:]):
        for panel, measure in zip(row, ("l1", "l2", "psnr", "ssim"), strict=True):
            shown = [loss.sel(lag=slice(60)) for loss in LOSSES]
            lag, distance = line(panel, "distance")
            np.testing.assert_array_equal(lag, 3 * np.arange(1, 21))
            first, *bands = panel.collections
            both = shown[0].sel(measure=measure)
            np.testing.assert_allclose(distance, both["mean"])
            np.testing.assert_allclose(band(first), [both["mean"] - both["std"], both["mean"] + both["std"]])
            for model, loss, shade in zip(ATMODIST, shown, bands, strict=True):
                content = loss["scale"].sel(measure=measure) * loss.sel(measure="content")
                found = line(panel, f"α · content loss of {model}")[1]
                np.testing.assert_allclose(found, content["mean"])
                edges = content["mean"] - content["std"], content["mean"] + content["std"]
                np.testing.assert_allclose(band(shade), edges)
            factors = [text.get_text() for text in panel.texts]
            assert factors == [f"α = {float(loss['scale'].sel(measure=measure)):.3g}" for loss in LOSSES]


@pytest.mark.parametrize(
    ("figure", "models"),
    [("training_curves", ATMODIST), ("srgan_curves", SRGAN), ("lag_losses", ATMODIST)],
)
def test_the_legend_names_every_model(draw, figure, models):
    entries = legend(draw(figure))
    assert all(any(entry.endswith(model) for entry in entries) for model in models)


def test_unknown_city_is_refused(tmp_path):
    with pytest.raises(SystemExit):
        caught(tmp_path, "city_boxes", cities=["Lodnon"])
    assert "no city is called Lodnon; did you mean London?" in (tmp_path / "city_boxes.log").read_text()


def test_jet_latitudes_are_a_density_of_all_days_and_of_seasons_where_there_are_all(draw):
    """The 300 days are 399 apart, without a summer."""
    figure = draw("jet_latitudes")
    north, south = panels(figure)
    assert titles((north, south)) == ["north", "south"]
    latitude = fabricated.jet()["latitude"].values
    for panel, count, parts in ((north, 800, 5), (south, 300, 1)):
        assert len(panel.patches) == parts
        density, edges, _ = panel.patches[0].get_data()
        assert panel.patches[0].get_label() == f"all {count} days"
        assert (density * np.diff(edges)).sum() == pytest.approx(1)
    np.testing.assert_allclose(
        north.patches[0].get_data().values,
        np.histogram(latitude, north.patches[0].get_data().edges, density=True)[0],
    )
    assert legend(figure)[1:] == ["DJF", "MAM", "JJA", "SON"]
    index = fabricated.jet()
    for patch, season in zip(north.patches[1:], legend(figure)[1:], strict=True):
        part = index["latitude"][index["time"].dt.season == season]
        density, edges, _ = patch.get_data()
        np.testing.assert_allclose(density, np.histogram(part, edges, density=True)[0])


def test_jet_series_shows_the_last_two_years_and_no_line_across_a_gap(draw):
    figure = draw("jet_series")
    latitude, speed, *_ = panels(figure)
    index = fabricated.jet()
    index = index.sel(time=slice(index["time"].values[-1] - np.timedelta64(730, "D"), None))
    for panel, name in ((latitude, "latitude"), (speed, "speed")):
        smooth = [each for each in panel.lines if each.get_color() == "black"]
        assert len(smooth) == 2, "one for each run of days"
        np.testing.assert_allclose(np.concatenate([each.get_ydata() for each in smooth]), index[name])
        days = np.concatenate([each.get_ydata() for each in panel.lines if each.get_marker() == "."])
        np.testing.assert_allclose(days, index[f"{name}_cycle"] + index[f"{name}_daily"])
    assert legend(figure) == ["each day", "low-pass", "seasonal cycle"]


def test_jet_probe_shows_the_explained_variance_of_each_source_with_its_interval(draw):
    figure = draw("jet_probe")
    skill = fabricated.jet_probe()["skill"]
    for panel, target in zip(panels(figure), ("latitude", "speed"), strict=True):
        assert panel.get_title() == f"north: {target} of the jet"
        assert len(panel.collections) == 4
        for source, label in (("lags-23_stage4", "lags-23 stage4"), ("persistence", "persistence")):
            days, values = line(panel, label)
            np.testing.assert_allclose(values, skill.sel(source=source, target=target).isel(sample=0))
            np.testing.assert_allclose(days, skill["lag"], atol=0.4)
    ends = panels(figure)[0].collections[0].get_segments()[0][:, 1]
    np.testing.assert_allclose(ends, interval(skill.sel(source="fields", target="latitude", lag=0)))


def test_jet_probe_marks_what_is_below_its_axis(monkeypatch, tmp_path):
    source, (result,), params = CASES["jet_probe"]
    result = result.copy(deep=True)
    result["skill"].loc[{"source": "random_stage4", "target": "speed", "lag": [5, 10]}] -= 1.2
    monkeypatch.setitem(CASES, "jet_probe", (source, [result], params))
    latitude, speed = panels(caught(tmp_path, "jet_probe"))
    marks = [[each for each in panel.lines if each.get_marker() == "v"] for panel in (latitude, speed)]
    assert [sum(len(each.get_xdata()) for each in found) for found in marks] == [0, 2]
    (found,) = [each for each in marks[1] if len(each.get_xdata())]
    np.testing.assert_allclose(found.get_xdata(), [5, 10], atol=0.4)
    assert (found.get_ydata() == speed.get_ylim()[0]).all()
    (drawn,) = (each for each in speed.lines if each.get_label() == "random stage4")
    assert found.get_color() == drawn.get_color()


def test_autoencoder_curves_mark_the_chosen_epoch(draw):
    (panel,) = panels(draw("autoencoder_curves"))
    table = fabricated.autoencoder_table()
    np.testing.assert_allclose(line(panel, "autoencoder"), (table["epoch"], table["loss"]))
    stars = [each for each in panel.lines if each.get_marker() == "*" and len(each.get_xdata())]
    assert [each.get_xdata().tolist() for each in stars] == [[5], [5]]
    assert panel.get_ylim()[0] == 0


def test_reconstructions_show_patch_reconstruction_and_difference_on_one_scale(draw):
    figure = draw("reconstructions")
    shown = panels(figure)
    rows = [shown[start : start + 4] for start in range(0, 16, 4)]
    assert titles(rows[0])[:3] == ["patch", "reconstruction", "difference"]
    assert [row[0].get_ylabel() for row in rows[:2]] == ["autoencoder: divergence", "autoencoder: vorticity"]
    field = fabricated.reconstructions()["field"].isel(example=0)
    for kind, panel in zip(field["kind"].values, rows[1], strict=False):
        (image,) = panel.images
        np.testing.assert_allclose(image.get_array(), field.sel(kind=kind, variable="vorticity"))
        assert image.get_clim() == rows[1][0].images[0].get_clim()
    power = fabricated.reconstructions()["power"].sel(kind="difference", variable="vorticity")
    np.testing.assert_allclose(line(rows[1][3], "difference")[1], power)


def test_inpainting_curves_show_a_content_loss_where_there_is_one(draw):
    error, content = panels(draw("inpainting_curves"))
    assert [each.get_label() for each in error.lines] == ["l2", "lags-23"]
    assert [each.get_label() for each in content.lines] == ["lags-23"]
    np.testing.assert_allclose(line(content, "lags-23")[1], fabricated.inpainting_table(True)["content"])


def test_inpainting_shows_the_hole_each_fill_and_the_truth(draw):
    shown = panels(draw("inpainting"))
    columns = ["erased", *FILLS, "truth"]
    assert titles(shown[: len(columns)]) == columns
    assert len(shown) == 4 * len(columns), "two examples of two variables"
    hole, *fills, truth = (panel.images[0].get_array() for panel in shown[: len(columns)])
    assert hole.mask[11:19, 11:19].all()
    assert hole.mask.sum() == 64
    for fill, name in zip(fills, FILLS, strict=True):
        expected = fabricated.inpainting(name)["field"].isel(system=1, example=0, variable=0)
        np.testing.assert_allclose(fill, expected)
    np.testing.assert_allclose(
        truth, fabricated.inpainting("l2")["field"].isel(system=0, example=0, variable=0)
    )


def test_inpainting_scores_show_values_with_intervals_and_spectra_over_the_truths(draw):
    shown = panels(draw("inpainting_scores"))
    assert len(shown) == 2 * 4
    points = [each.get_ydata()[0] for each in shown[0].lines if each.get_marker() == "o"]
    assert points == [0.9, 0.6, 0.75]
    ends = shown[0].collections[1].get_segments()[0][:, 1]
    np.testing.assert_allclose(ends, (0.55, 0.65))
    np.testing.assert_allclose(line(shown[3], "lags-23")[1], 0.8)


def test_predictability_shows_each_lag_by_month_and_by_hour(draw):
    figure = draw("predictability")
    month, hour, *_ = panels(figure)
    assert legend(figure) == ["3 h", "48 h"]
    series = fabricated.uncertainty(1)["series"].sel(quantity="accuracy")
    for lag in (3, 48):
        found = series.sel(lag=lag).dropna("time")
        for panel, groups in ((month, found["time"].dt.month), (hour, found["time"].dt.hour)):
            places, values = line(panel, f"{lag} h")
            expected = [found.values[groups.values == value].mean() for value in np.unique(groups)]
            np.testing.assert_allclose(values, expected)
            np.testing.assert_allclose(places, np.unique(groups), atol=0.5)
    assert len(hour.collections) == 2, "an interval for each lag"
    accuracy = series.sel(lag=3, drop=True)
    means = Bootstrap(5, 50, 1).means_of_groups(accuracy, accuracy["time"].dt.month.values)
    expected = [interval(means.sel(group=value)) for value in means["group"]]
    ends = [segment[:, 1] for segment in month.collections[0].get_segments()]
    np.testing.assert_allclose(ends, expected)


def test_predictability_names_lags_that_only_a_later_model_knows(tmp_path, monkeypatch):
    source, (first, second), params = CASES["predictability"]
    monkeypatch.setitem(CASES, "predictability", (source, [first.sel(lag=[48]), second], params))
    figure = caught(tmp_path, "predictability")
    assert legend(figure) == ["3 h", "48 h"]
    colours = [each.get_color() for each in figure.legends[0].get_lines()]
    above, _, below, _ = panels(figure)
    assert [(each.get_label(), each.get_color()) for each in above.lines] == [("48 h", colours[1])]
    assert [each.get_color() for each in below.lines] == colours


def test_predictability_leaves_out_a_lag_without_any_pair(tmp_path, monkeypatch):
    source, (first, _), params = CASES["predictability"]
    alone = first.copy(deep=True)
    alone["series"].loc[{"lag": 48}] = np.nan
    monkeypatch.setitem(CASES, "predictability", (source, [alone], params | {"models": ["lags-15"]}))
    assert legend(caught(tmp_path, "predictability")) == ["3 h"]


@pytest.mark.parametrize("figure", ["maps", "high_pass_maps"])
def test_maps_of_many_systems_have_room_for_their_names(tmp_path, monkeypatch, figure):
    """As of the whole study; no title lies over another, and no map is too small to see."""
    names = ["truth", "bilinear", *(f"atmodist-longer-{number}" for number in range(10, 28))]
    source, _, params = CASES[figure]
    content = [fabricated.maps("truth"), *(fabricated.maps("bilinear") for _ in names[1:])]
    monkeypatch.setitem(CASES, figure, (source, content, params | {"systems": names}))
    (drawn,) = caught(tmp_path, figure)
    first = [axes for axes in panels(drawn) if axes.get_title()]
    assert len(first) == len(names) + (figure == "maps")
    assert min(axes.get_position().width * drawn.get_size_inches()[0] for axes in first) > 0.6
    starts = [axes.title.get_window_extent().corners()[0] for axes in first]
    along = np.diff([x * np.sin(np.radians(30)) for x, _ in starts])
    heights = [axes.title.get_fontsize() * drawn.dpi / 72 for axes in first]
    assert (along > max(heights)).all()


def test_high_pass_maps_have_one_colour_scale_and_end_with_the_truth(draw):
    (figure,) = draw("high_pass_maps")
    names = [*ESTIMATES, "truth"]
    rows = np.reshape(panels(figure), (len(VARIABLES), len(names)))
    assert titles(rows[0]) == names
    for row, variable in zip(rows, VARIABLES, strict=True):
        assert len({mesh(panel)[1] for panel in row}) == 1
        for name, panel in zip(names, row, strict=True):
            field = fabricated.maps(name)["Northern storm track/high_pass"]["field"].sel(variable=variable)
            np.testing.assert_allclose(mesh(panel)[0], drawn_field(field))
    assert [bar.split(" / ")[0] for bar in bars(figure)] == VARIABLES
