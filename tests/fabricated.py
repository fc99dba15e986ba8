"""Made-up results as the rules leave them, of several models: small files for every figure."""

import numpy as np
import pandas as pd
import xarray as xr

VARIABLES = ["divergence", "vorticity"]
ATMODIST = ["lags-15", "lags-23", "lags-31"]
SRGAN = ["l2", "lags-15", "lags-23", "lags-31"]
SYSTEMS = ["truth", "bilinear", *SRGAN]
CITIES = ["London", "New Orleans", "Cairo", "Perth"]
ROWS = 64
LATITUDE, LONGITUDE = 90 - np.arange(ROWS) * 180 / ROWS, np.arange(2 * ROWS) * 180 / ROWS
TIMES = np.datetime64("2001-08-01", "ns") + np.timedelta64(3, "h") * np.arange(240)


def smoothness(system):
    """How much of the small scales a made-up system loses."""
    known = {"truth": 0.0, "bilinear": 0.5, "l2": 0.3}
    return known[system] if system in known else int(system[-2:]) / 120


def field(system, seed=0):
    """Waves (variable, latitude, longitude) in s-1 that fade towards the poles, weaker for smooth systems."""
    rng = np.random.default_rng(seed)
    phi, theta = np.radians(LATITUDE)[:, None], np.radians(LONGITUDE)
    values = sum(
        np.cos(phi) ** wave
        * np.cos(wave * theta + rng.uniform(0, 6, (2, 1, 1)) + 2 * wave * phi)
        / np.sqrt(wave)
        * (1 - smoothness(system)) ** (wave / 4)
        for wave in range(1, 12)
    )
    coordinates = {"variable": VARIABLES, "latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.DataArray(2e-5 * values, coordinates, list(coordinates), attrs={"units": "s-1"})


def snapshot():
    """`snapshot.nc`."""
    return field("truth").assign_coords(time=TIMES[0]).to_dataset(name="field")


def evaluation(system):
    """`evaluation/{system}.nc`: spectra, semivariogram, errors in time; blocks and variables are unlike."""
    rng = np.random.default_rng(len(system))
    lost, degree = smoothness(system), np.arange(64)
    spectrum = 1e-9 * (1 + degree) ** -1.0 * np.exp(-2 * lost * degree / 64)
    distance = np.array([25, 50, 100, 200, 300, 500, 1000])
    rise = (1 - np.exp(-distance / 400)) * (1 - lost / 2)
    wavenumber = np.arange(129)
    zonal = np.where(wavenumber < 64, (1.0 + wavenumber) ** -2, 1e-4 * lost / 64)
    unlike = np.array([[1.0, 3.0], [2.0, 5.0]])[..., None]
    with np.errstate(divide="ignore"):
        wavelength = 40030 / degree
    result = xr.Dataset(
        {
            "frames": ("block", [160, 80]),
            "power": (("block", "variable", "degree"), unlike * spectrum, {"units": "s-2"}),
            "kinetic_energy": (("block", "flow", "degree"), unlike * 1e13 * spectrum / (1 + degree) ** 2),
            "zonal_power": (("block", "variable", "wavenumber"), unlike * 1e-9 * zonal, {"units": "s-2"}),
            "semivariance": (("block", "variable", "distance"), unlike * 4e-10 * rise),
            "truth_mean": (("block", "variable"), [[1e-5, 0], [1e-5, 0]]),
            "truth_mean_square": (("block", "variable"), [[4e-10, 5e-10], [7e-10, 2e-10]]),
        },
        {
            "block": TIMES[[0, 160]],
            "variable": VARIABLES,
            "flow": ["rotational", "divergent"],
            "degree": degree,
            "wavelength": ("degree", wavelength),
            "wavenumber": wavenumber,
            "distance": distance,
        },
    )
    if system == "truth":
        return result
    errors = lost * (1 + 0.2 * rng.standard_normal((len(TIMES), 2))) * [1, 2]
    return result.assign_coords(time=TIMES).assign(
        mean_squared_error=(("time", "variable"), 1e-10 * errors, {"units": "s-2"}),
        total_variation_difference=(("time", "variable"), -1e-6 * errors, {"units": "s-1"}),
    )


def moments(system):
    """`evaluation/{system}/moments.nc`."""
    deviation = 2e-5 + abs(field(system, seed=1))
    error = 1e-5 * smoothness(system) + 0 * deviation
    return xr.Dataset({"mean": field(system) / 5, "std": deviation, "rmse": error + deviation / 5})


def maps(system):
    """`evaluation/{system}/maps.nc`: one region, its small scales and, of the truth, its low resolution."""
    region = field(system).sel(latitude=slice(75, 15), longitude=slice(0, 60))
    groups = {"/": xr.Dataset(), "Northern storm track/high": region.to_dataset(name="field")}
    groups["Northern storm track/high_pass"] = (region / 3).to_dataset(name="field")
    if system == "truth":
        low = region.coarsen(latitude=4, longitude=4, boundary="trim").mean()
        groups["Northern storm track/low"] = low.to_dataset(name="field")
    return xr.DataTree.from_dict(groups)


def cities(system):
    """`evaluation/{system}/cities.nc`: normal distributions, too narrow for smooth systems."""
    rng = np.random.default_rng(len(system))
    count, quantile = 150, np.array([0.02, 0.09, 0.25, 0.5, 0.75, 0.91, 0.98])
    deviation = 2e-5 * (1 + 0.3 * rng.uniform(-1, 1, count)) * (1 - smoothness(system))
    standard = np.array([-2.05, -1.34, -0.67, 0, 0.67, 1.34, 2.05])
    edges = np.linspace(-6e-5, 6e-5, 61)
    centres = (edges[1:] + edges[:-1]) / 2
    spread = deviation[:, None]
    density = np.exp(-((centres / spread) ** 2) / 2) / spread / np.sqrt(2 * np.pi)
    result = xr.Dataset(
        {
            "quantiles": (("city", "quantile"), spread * standard, {"units": "s-1"}),
            "density": (("city", "bin"), density, {"units": "s"}),
            "bin_edge": (("city", "edge"), np.tile(edges, (count, 1)), {"units": "s-1"}),
            "wasserstein": ("city", abs(2e-5 - deviation), {"units": "s-1"}),
        },
        {
            "city": CITIES + [f"city {number}" for number in range(len(CITIES), count)],
            "quantile": quantile,
            "latitude": ("city", np.linspace(-40, 60, count)),
            "longitude": ("city", (np.arange(count) * 137.5) % 360 - 180),
        },
    )
    result = result.expand_dims(window=[1, 2, 3], variable=VARIABLES)
    result["bin_edge"] = result["bin_edge"].isel(window=0)
    wider = xr.DataArray([1.0, 1.4], dims="variable")
    result["bin_edge"] = result["bin_edge"] * wider
    wider = wider * xr.DataArray([1.0, 0.9, 0.8], dims="window")
    for name, power in (("quantiles", 1), ("density", -1), ("wasserstein", 1)):
        result[name] = (result[name] * wider**power).transpose(*result[name].dims)
    return result.drop_vars("wasserstein") if system == "truth" else result


UNCERTAINTY_TIMES = np.datetime64("2001-07-20", "ns") + np.timedelta64(15, "h") * np.arange(200)


def uncertainty_series(quantities):
    """Scores (quantity, lag, time): better at noon, worse at the longer lag, which ends before the rest."""
    hour = (UNCERTAINTY_TIMES - UNCERTAINTY_TIMES.astype("datetime64[D]")) / np.timedelta64(1, "h")
    rng = np.random.default_rng(0)
    series = 0.3 + 0.1 * np.cos(2 * np.pi * (hour - 12) / 24) + 0.02 * rng.standard_normal((2, 200))
    series[1] -= 0.15
    series[1, -4:] = np.nan
    return np.tile(series, (quantities, 1, 1))


def uncertainty(seasons):
    """`atmodist/{model}/uncertainty.nc` with as many seasons."""
    latitude, longitude = np.linspace(80, -80, 15), np.arange(32) * 11.25
    easy = 0.2 + 0.1 * np.cos(np.radians(3 * latitude))[:, None] + 0 * longitude
    names = ["whole", "April to September", "October to March"][:seasons]
    quantities = {
        "accuracy": easy,
        "within_one_class": 2.5 * easy,
        "top3_accuracy": 2 * easy,
        "probability": easy / 2,
        "neighbourhood_probability": 1.5 * easy,
        "entropy": 3 - easy,
    }
    return xr.Dataset(
        {
            name: (
                ("season", "latitude", "longitude"),
                values * np.array([1, 1.1, 0.9])[:seasons, None, None],
            )
            for name, values in quantities.items()
        }
        | {
            "pairs": ("season", [240, 120, 120][:seasons]),
            "series": (("quantity", "lag", "time"), uncertainty_series(len(quantities))),
        },
        {
            "season": names,
            "latitude": latitude,
            "longitude": longitude,
            "quantity": list(quantities),
            "lag": [3, 48],
            "time": UNCERTAINTY_TIMES,
        },
        {"lag_hours": 48},
    )


def lag_losses(model):
    """`atmodist/{model}/lag_losses_{split}_stage4.nc`."""
    lag, measures = 3 * np.arange(1, 32), ["content", "mse", "l1", "l2", "psnr", "ssim"]
    speed = np.array([90, 40, 40, 40, 35, 35])[:, None] - int(model[-2:])
    mean = 1 - np.exp(-lag / speed)
    return xr.Dataset(
        {
            "mean": (("measure", "lag"), mean),
            "std": (("measure", "lag"), mean / 4),
            "scale": ("measure", 1 + 0.1 * np.arange(len(measures))),
        },
        {"measure": measures, "lag": lag},
    )


def confusion(classes):
    """`atmodist/{model}/confusion.nc`."""
    hours = 3 * np.arange(1, classes + 1)
    count = np.exp(-abs(hours[:, None] - hours) / 9)
    return xr.Dataset(
        {"count": (("true_lag", "predicted_lag"), count)}, {"true_lag": hours, "predicted_lag": hours}
    )


def atmodist_table():
    """`atmodist/{model}/training.csv`, and with its columns evaluation.csv."""
    epoch = np.arange(1, 9)
    phase = ["pre-training"] * 2 + ["training"] * 6
    columns = {"loss": 3 * epoch**-0.2, "accuracy": 0.05 * epoch**0.5, "top3_accuracy": 0.1 * epoch**0.5}
    chosen = {"split": "validation", "chosen": epoch == 6}
    return pd.DataFrame({"epoch": epoch, "phase": phase, "learning_rate": 0.1, **columns, **chosen})


def srgan_table():
    """`srgan/{model}/training.csv`, and with its columns the pre-training's."""
    epoch = np.arange(1, 6)
    names = ("loss", "content", "adversarial", "discriminator", "right_on_real", "right_on_generated")
    columns = {name: number / (number + epoch) for number, name in enumerate(names, start=1)}
    return pd.DataFrame({"epoch": epoch, "learning_rate": 1e-4, **columns})


def diagnostics():
    """`diagnostics/train.nc`."""
    degree, lag, hour = np.arange(64), np.arange(0, 97, 3), np.arange(0, 24, 3)
    energy = (1.0 + degree) ** -3
    return xr.Dataset(
        {
            "root_mean_square": (("variable", "time"), np.full((2, len(TIMES)), 2e-5)),
            "kinetic_energy": (("component", "degree"), np.stack([energy, energy / 9])),
            "slope": ("component", [-3.0, -3.0], {"degrees": (21, 42)}),
            "local_slope": ("degree", np.where(degree < 56, -3.0, -6.0)),
            "autocorrelation": (("variable", "lag"), np.tile(np.exp(-lag / 24), (2, 1))),
            "daily_cycle": ("local_time", 1e-6 * np.sin(np.radians(15 * hour))),
        },
        {
            "variable": VARIABLES,
            "time": TIMES,
            "component": ["rotational", "divergent"],
            "degree": degree,
            "lag": lag,
            "local_time": hour,
        },
        {"steepest": -4.0, "effective_degree": 55},
    )


def histograms():
    """`histograms.nc`."""
    value = np.linspace(-8, 8, 161)
    density = np.tile(np.exp(-abs(value)) / 2, (2, 2, 1))
    coordinates = {"transform": ["standardised", "logarithmic"], "variable": VARIABLES, "value": value}
    return xr.Dataset({"density": (list(coordinates), density)}, coordinates)


def jet(days=800):
    """`jet/{sector}/index.nc`: a jet that wanders, farther in winter, with a gap between two splits."""
    day = np.concatenate([np.arange(days // 2), np.arange(days // 2 + 100, days + 100)])
    time = np.datetime64("2001-01-01", "ns") + np.timedelta64(1, "D") * day
    rng = np.random.default_rng(0)
    result = xr.Dataset(coords={"time": time})
    for name, middle, width, units in (("latitude", 45, 6, "degrees_north"), ("speed", 12, 4, "m s-1")):
        cycle = middle + width / 2 * np.cos(2 * np.pi * day / 365.25)
        anomaly = width * np.sin(2 * np.pi * day / 37) + rng.standard_normal(len(day))
        result[name] = ("time", cycle + anomaly, {"units": units})
        result[f"{name}_cycle"] = ("time", cycle)
        result[f"{name}_anomaly"] = ("time", anomaly)
        result[f"{name}_daily"] = ("time", anomaly + width / 3 * rng.standard_normal(len(day)))
    return result


def jet_probe():
    """`jet/{sector}/probe.nc`."""
    lag, sources = np.array([0, 2, 5, 10]), ["fields", "lags-23_stage4", "random_stage4", "persistence"]
    skill = np.array([0.8, 0.7, 0.5, 0.6])[:, None, None] * np.exp(-lag / 6)[:, None] * [1, 0.7]
    draws = 0.1 * np.random.default_rng(0).standard_normal((4, 4, 2, 50))
    samples = np.concatenate([skill[..., None], skill[..., None] + draws], -1)
    coordinates = {"source": sources, "lag": lag, "target": ["latitude", "speed"], "blocks": 12}
    return xr.Dataset({"skill": (("source", "lag", "target", "sample"), samples)}, coordinates)


def orderings():
    """`evaluation/orderings.csv`: of two distances, one right throughout, one a coin."""
    rows = []
    for distance, right in (("l1", 1.0), ("random stage1", 0.5)):
        for family in (
            "lag",
            "truncation",
            "phase",
            "amplitude",
            "displacement",
            "vortex",
            "blur",
            "scramble",
            "mean",
        ):
            row = {"distance": distance, "family": family}
            for name, value in (("right", right), ("monotonicity", 2 * right - 1)):
                value = np.nan if family in ("blur", "scramble") and name == "monotonicity" else value
                row |= {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.05}
            rows.append(row)
    return pd.DataFrame(rows)


def autoencoder_table():
    """`autoencoder/{model}/training.csv`, and with its columns evaluation.csv."""
    epoch = np.arange(1, 7)
    rest = {"learning_rate": np.repeat([0.1, 0.01], 3), "split": "eval", "chosen": epoch == 5}
    return pd.DataFrame({"epoch": epoch, "loss": 0.9 * epoch**-0.5, **rest})


def reconstructions():
    """`autoencoder/{model}/reconstructions.nc`: waves, and the long ones of them."""
    row, column = np.mgrid[:32, :32]
    long, short = np.sin(row / 5) * np.cos(column / 6), 0.3 * np.sin(row) * np.cos(1.3 * column)
    kinds = np.stack([long + short, long, -short])[:, None, None].repeat(2, axis=2)
    wavenumber = np.arange(1, 17)
    power = np.stack([wavenumber**-2.0, wavenumber**-2.0 * np.exp(-wavenumber / 4), 0.01 + 0 * wavenumber])
    return xr.Dataset(
        {
            "field": (("kind", "example", "variable", "row", "column"), kinds),
            "power": (("kind", "variable", "wavenumber"), power[:, None].repeat(2, axis=1)),
        },
        {"kind": ["patch", "reconstruction", "difference"], "variable": VARIABLES, "wavenumber": wavenumber},
        {"patches": 800},
    )


FILLS = ["laplace", "l2", "lags-23"]


def inpainting(fill):
    """`inpainting/{fill}/scores.nc`: waves, damped in the square."""
    row, column = np.mgrid[:32, :32]
    truth = np.sin(row / 3) * np.cos(column / 4)
    found, left = truth.copy(), 0.2 + 0.3 * FILLS.index(fill)
    found[11:19, 11:19] *= left
    wavenumber = np.arange(1, 5)
    power = np.stack([wavenumber**-2.0, left * wavenumber**-2.0])
    fields = np.stack([truth, found])[:, None, None].repeat(2, axis=1).repeat(2, axis=2)
    return xr.Dataset(
        {
            "field": (("system", "example", "variable", "row", "column"), fields),
            "spectra": (
                ("system", "variable", "wavenumber", "day"),
                power[:, None, :, None].repeat(2, axis=1).repeat(5, axis=3),
            ),
        },
        {"system": ["truth", fill], "variable": VARIABLES, "wavenumber": wavenumber},
    )


def inpainting_table(content):
    """`inpainting/{model}/training.csv`."""
    epoch = np.arange(1, 6)
    table = pd.DataFrame({"epoch": epoch, "squared_error": 0.8 / epoch})
    return table.assign(content=0.5 / epoch) if content else table


def summary_of_inpainting():
    """`summary.nc`, as far as it is of filled squares."""
    quantities = ["squared_error", "gradient_error", "gradient_over_truth", "edge_jump_over_truth"]
    rows = [
        {"group": "inpainting", "system": fill, "quantity": quantity, "variable": variable, "value": value}
        for value, fill in zip((0.9, 0.6, 0.75), FILLS, strict=True)
        for quantity in quantities
        for variable in VARIABLES
    ]
    table = pd.DataFrame(rows)
    table["low"], table["high"] = table["value"] - 0.05, table["value"] + 0.05
    return table.rename_axis("number").to_xarray()
