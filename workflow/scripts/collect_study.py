"""Keep of a seed of the study what comparisons over seeds need: small tables, no fields."""

from atmodist.core.job import job

with job(snakemake.log[0], "collect_study") as log:
    from pathlib import Path

    import pandas as pd

    from atmodist.core import netcdf
    from atmodist.core.files import read_json, replacing
    from atmodist.evaluation import study, study_seed, summary
    from atmodist.evaluation.bootstrap import Bootstrap

    params, files = snakemake.params, snakemake.input
    bootstrap = Bootstrap(params.block_days, params.resamples, params.seed)
    rows = []

    for best_path, predictions in zip(files.best, files.predictions, strict=True):
        chance = read_json(best_path)["chance"]
        scores = {
            name: values for name, values, _ in summary.of_predictions(netcdf.read(predictions), bootstrap)
        }
        numbers = [("accuracy_over_chance", scores["accuracy"] / chance, "1")]
        rows += study_seed.rows_of_draws("atmodist", Path(best_path).parent.name, numbers)

    means = {}
    for system, path in zip(params.systems, files.evaluation, strict=True):
        with netcdf.open_lazily(path) as evaluation:
            means[system] = summary.means_of_evaluation(evaluation, bootstrap)
    kept = {measure.quantity for measure in study.MEASURES.values()}
    for system, cities in zip(params.systems, files.cities, strict=True):
        if system == "truth":
            continue
        pair = means["truth"], means["bilinear"]
        numbers = list(summary.of_super_resolution(means[system], *pair, params.truncation))
        # Draws of cities beyond those kept of the fields are left out: both are the same draws in order.
        distance = summary.distances_at_cities(netcdf.read(cities)).isel(sample=slice(params.resamples + 1))
        numbers += summary.of_cities(distance, {})
        rows += study_seed.rows_of_draws(
            "super_resolution", system, (number for number in numbers if number[0] in kept)
        )

    spectra = {
        system: found["kinetic_energy"].isel(sample=0).to_series()
        for system, found in means.items()
        if "kinetic_energy" in found
    }

    about = {
        "seed": params.seed,
        "judge": params.judge,
        "truncation": params.truncation,
        "precision": snakemake.config["training"]["precision"],
    }
    duel = [
        pd.read_csv(path).assign(model=name) for name, path in zip(params.models, files.curves, strict=True)
    ]
    tables = {
        "about": study_seed.table_of_about(params.settings, **about),
        "draws": pd.DataFrame(rows),
        "models": study_seed.table_of_models(params.models, params.encoders),
        "duel": pd.concat(duel),
        "jobs": study_seed.table_of_jobs(Path(snakemake.output.jobs).parent.parent / "benchmarks"),
        "spectra": pd.DataFrame(spectra).rename_axis("degree").reset_index(),
    }
    for name, table in tables.items():
        with replacing(snakemake.output[name]) as partial:
            table.to_csv(partial, index=False, float_format="%.6g")
    log.info("%d models", len(params.models))
