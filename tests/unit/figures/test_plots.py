import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot

from atmodist.data.variables import Variable
from atmodist.figures import plots


def hemispheres():
    """Positive in the north, ten times as much in its eastern half (0 to 180 degrees)."""
    latitude, longitude = 90 - np.arange(64) * 180 / 64, np.arange(128) * 360 / 128
    values = np.sign(latitude)[:, None] * np.where(longitude < 180, 1, 0.1)
    return xr.DataArray(values, {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude"))


def test_angles_in_words():
    assert [plots.degrees_east(x) for x in (0, 90, 180, 200, -20, 359)] == [
        "0°",
        "90°E",
        "180°",
        "160°W",
        "20°W",
        "1°W",
    ]
    assert [plots.degrees_north(x) for x in (-30, 0, 45.5)] == ["30°S", "0°", "45.5°N"]


def test_units_are_printed_with_powers():
    assert plots.unit("s-1") == "s⁻¹"
    assert plots.unit("m2 s-2") == "m² s⁻²"
    assert plots.unit("km") == "km"
    assert plots.unit("K2") == "K²"


def test_a_map_has_north_up_and_east_right(tmp_path):
    figure = pyplot.figure(figsize=(2, 1))
    axes = figure.add_axes((0, 0, 1, 1))
    plots.draw_map(axes, hemispheres(), 1)
    plots.save(figure, tmp_path / "map.pdf", tmp_path / "map.png", dpi=100)
    image = matplotlib.image.imread(tmp_path / "map.png")
    redness = image[..., 0] - image[..., 2]
    height, width = redness.shape
    north_east_of_greenwich = redness[height // 8 : height // 3, width // 8 : width // 3].mean()
    north_west = redness[height // 8 : height // 3, -width // 3 : -width // 8].mean()
    south = redness[-height // 3 : -height // 8, width // 8 : width // 3].mean()
    assert north_east_of_greenwich > 0.3 > north_west > 0
    assert south < -0.3


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        with plots.style():
            figure, axes = pyplot.subplots()
            axes.plot([1, 2], [3, 4])
            plots.save(figure, tmp_path / f"{name}.pdf", tmp_path / f"{name}.png", dpi=50)
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert b"CreationDate" not in (tmp_path / "a.pdf").read_bytes()


def test_limits_of_colours_are_round_and_hold_the_values():
    values = xr.DataArray(np.linspace(-3.3e-5, 3.3e-5, 1001))
    assert plots.limit_of(values) == pytest.approx(3.5e-5)
    assert plots.limit_of(-values / 10) == pytest.approx(3.5e-6)


def test_edges_lie_half_way_between_centres():
    np.testing.assert_allclose(plots.edges(np.array([0.0, 2.0, 4.0])), [-1, 1, 3, 5])


def test_systems_keep_their_looks():
    looks = plots.lines(["truth", "bilinear", "l2", "atmodist"])
    assert looks["truth"]["color"] == "black"
    assert len({look["color"] for look in looks.values()}) == 4
    assert plots.lines(["l2", "atmodist"])["atmodist"] == looks["atmodist"]
    many = plots.lines([f"lags-{number}" for number in range(20)])
    assert len({(look["color"], look["linestyle"]) for look in many.values()}) == 20


def test_coastlines_are_where_the_coasts_are():
    """Some coast within a degree of places at the sea, none near the middles of continents and oceans."""
    with plots.style():
        _, axes = pyplot.subplots()
        axes.set(xlim=(-180, 180), ylim=(-90, 90))
        plots.coastlines(axes)
        coast = np.concatenate([line.get_xydata() for line in axes.lines])
        assert axes.get_xlim() == (-180, 180)

    def distance(longitude, latitude):
        return np.nanmin(np.hypot(*(coast - (longitude, latitude)).T))

    for place in ((-9.1, 38.7), (151.2, -33.9), (18.4, -33.9), (-122.5, 37.8), (288.3, -33.0)):
        assert distance(*place) < 1.5, place
    for place in ((100, 60), (20, 10), (-100, 45), (-150, -20), (75, -25)):
        assert distance(*place) > 3, place


def test_coasts_end_where_polygons_are_cut_at_the_date_line():
    with plots.style():
        _, axes = pyplot.subplots()
        axes.set(xlim=(-180, 180), ylim=(-90, 90))
        plots.coastlines(axes)
        steps = np.concatenate([np.diff(line.get_xydata()[:, 0]) for line in axes.lines])
    assert np.nanmax(abs(steps)) < 20


@pytest.mark.parametrize(("first", "last"), [(2, 20), (10, 200), (200, 639), (550, 639)])
def test_wavelengths_stand_above_their_degrees_with_room_between(first, last):
    degree = np.arange(1, 640)
    coordinates = {"degree": degree, "wavelength": ("degree", 40030 / degree)}
    spectrum = xr.DataArray(degree**-3.0, coordinates, ("degree",))
    with plots.style():
        figure, axes = pyplot.subplots()
        plots.draw_spectra(axes, {"truth": spectrum, "l2": spectrum / 2}, first, last)
        (top,) = axes.child_axes
        figure.draw_without_rendering()
        places, labels = top.get_xticks(), [float(label.get_text()) for label in top.get_xticklabels()]
        np.testing.assert_allclose(places * labels, 40030)
        assert len(labels) >= 2
        assert axes.get_xlim() == (first, last)
        pixels = axes.transData.transform([(place, 1) for place in places])[:, 0]
        assert np.diff(np.sort(pixels)).min() > 0.15 * axes.bbox.width


def test_an_axis_is_labelled_in_powers_of_ten():
    _, axes = pyplot.subplots()
    axes.set_xlim(-2e-6, 6e-5)
    plots.label_axis(axes.xaxis, "vorticity", "s-1")
    assert axes.get_xlabel() == "vorticity / 10⁻⁵ s⁻¹"
    assert axes.xaxis.get_major_formatter()(-2e-5) == "−2"


def test_an_axis_of_everyday_numbers_has_no_power_of_ten():
    _, axes = pyplot.subplots()
    axes.set_ylim(230, 310)
    plots.label_axis(axes.yaxis, "temperature", "K")
    assert axes.get_ylabel() == "temperature / K"
    assert axes.yaxis.get_major_formatter()(250) == "250"


def test_fields_of_both_signs_are_drawn_about_zero_and_others_between_their_ends(monkeypatch):
    limits, colours = plots.colours_of("vorticity", hemispheres())
    assert (limits, colours) == (1, "coolwarm")
    warm = Variable("temperature", 130, "t", "K", (150, 350), "inferno")
    monkeypatch.setattr(plots, "FIELDS", {"temperature": warm})
    field = 270 + 30 * hemispheres()
    (low, high), colours = plots.colours_of("temperature", field)
    assert colours == "inferno"
    assert 235 <= low <= 240
    assert 300 <= high <= 305


@pytest.mark.parametrize(("days", "expected"), [(365, (30, 240)), (30, (5, 40)), (3, (1, 8))])
def test_running_means_shrink_with_the_series(days, expected):
    times = np.datetime64("2001-01-01", "ns") + np.timedelta64(3, "h") * np.arange(8 * days)
    assert plots.running_window(times) == expected


@pytest.mark.parametrize(("length", "rows"), [(1, 1), (20, 3), (300, 6)])
def test_a_legend_takes_as_many_columns_as_fit(length, rows):
    figure, axes = pyplot.subplots(figsize=(7, 3), layout="constrained")
    handles = [axes.plot([0, 1], label=letter * length)[0] for letter in "abcdef"]
    plots.legend(figure, handles)
    figure.draw_without_rendering()
    (made,) = figure.legends
    heights = {round(text.get_window_extent().y0) for text in made.get_texts()}
    assert len(heights) == rows
    pyplot.close(figure)
