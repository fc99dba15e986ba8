"""One row for each number that matters: how well lags are told apart and how well super-resolution does."""

from pathlib import Path

from atmodist.job import job

COMPARISONS = ("mean_squared_error", "area_weighted_mean_squared_error", "psnr", "ssim")

with job(snakemake.log[0], "summary") as log:
    import json

    import pandas as pd
    import xarray as xr

    from atmodist import metrics
    from atmodist.files import replacing

    rows = []

    def add(group, system, quantity, value, unit="1", variable=""):
        """One more row; six digits are what repeats on other machines."""
        name = snakemake.params.config_name
        rows.append((name, group, system, quantity, variable, f"{float(value):.6g}", unit))

    for path in snakemake.input.best:
        model, best = Path(path).parent.name, json.loads(Path(path).read_text())
        for quantity in ("epoch", "loss", "accuracy", "top3_accuracy", "chance"):
            add("atmodist", model, quantity, best[quantity])
        add("atmodist", model, "accuracy_over_chance", best["accuracy"] / best["chance"])
    for path in snakemake.input.scales:
        scale = json.loads(Path(path).read_text())
        add("content_loss", f"{Path(path).parent.name} {scale['layer']}", "scale", scale["scale"])

    for path in snakemake.input.pressure:
        pressure = json.loads(Path(path).read_text())
        for quantity in ("mean", "std"):
            add("data", f"level {pressure['level']}", f"pressure_{quantity}", pressure[quantity], "hPa")

    evaluations = {
        Path(path).stem: xr.open_dataset(path, engine="h5netcdf") for path in snakemake.input.evaluation
    }
    degrees = slice(1, snakemake.params.truncation)
    upper = slice(snakemake.params.truncation // 2 + 1, snakemake.params.truncation)
    energies = {
        system: evaluation["kinetic_energy"].sum("flow").weighted(evaluation["frames"]).mean("block")
        for system, evaluation in evaluations.items()
    }
    for system, evaluation in evaluations.items():
        if system == "truth":
            continue
        means = evaluation[list(COMPARISONS)].mean("time")
        ratios = means / evaluations["bilinear"][list(COMPARISONS)].mean("time")
        for variable in evaluation["variable"].values:
            for quantity, values in means.items():
                add(
                    "super_resolution",
                    system,
                    quantity,
                    values.sel(variable=variable),
                    values.units,
                    variable,
                )
            for quantity in COMPARISONS[:2]:
                ratio = ratios[quantity].sel(variable=variable)
                add("super_resolution", system, f"{quantity}_over_bilinear", ratio, "1", variable)
        for name, selected in (("", degrees), ("_upper_half", upper)):
            pair = (energies[key].sel(degree=selected) for key in (system, "truth"))
            add("super_resolution", system, f"kinetic_energy_error{name}", metrics.log_error(*pair, "degree"))

    columns = ["config", "group", "system", "quantity", "variable", "value", "unit"]
    with replacing(snakemake.output.summary) as partial:
        pd.DataFrame(rows, columns=columns).to_csv(partial, index=False)
    log.info("%d numbers", len(rows))
