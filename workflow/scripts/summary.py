"""One row for each number that matters: how well lags are predicted and fields super-resolved."""

from pathlib import Path

from atmodist.core.job import job

with job(snakemake.log[0], "summary") as log:
    from atmodist.core import netcdf
    from atmodist.core.files import read_json, replacing
    from atmodist.evaluation import summary
    from atmodist.evaluation.bootstrap import Bootstrap

    params, files = snakemake.params, snakemake.input
    bootstrap = Bootstrap(params.block_days, params.resamples, params.seed)
    bootstrap_of_jet = Bootstrap(params.jet_block_days, params.resamples, params.seed)
    table = summary.Table(params.config_name)

    for path in files.pressure:
        series = netcdf.read(path)
        table.add("data", f"level {series.attrs['level']}", summary.of_pressure(series, bootstrap))

    for best_path, predictions in zip(files.best, files.predictions, strict=True):
        best = read_json(best_path)
        model = Path(best_path).parent.name
        scores = netcdf.read(predictions)
        table.add("atmodist", model, [(name, best[name], "1") for name in ("epoch", "chance")])
        numbers = list(summary.of_predictions(scores, bootstrap))
        table.add("atmodist", model, numbers)
        over_chance = dict((name, values) for name, values, _ in numbers)["accuracy"] / best["chance"]
        table.add("atmodist", model, [("accuracy_over_chance", over_chance, "1")])

    for path in files.losses:
        losses = netcdf.read(path)
        name = f"{Path(path).parent.name} {losses.attrs['layer']}"
        table.add("content_loss", name, summary.of_content_loss(losses, bootstrap))

    evaluations, means, distances = {}, {}, {}
    for system, evaluation, cities in zip(params.systems, files.evaluation, files.cities, strict=True):
        evaluations[system] = netcdf.open_lazily(evaluation)
        means[system] = summary.means_of_evaluation(evaluations[system], bootstrap)
        if system != "truth":
            distances[system] = summary.distances_at_cities(netcdf.read(cities))
    for system, distance in distances.items():
        pair = means["truth"], means["bilinear"]
        numbers = summary.of_super_resolution(means[system], *pair, params.truncation)
        table.add("super_resolution", system, numbers)
        fields = evaluations[system], evaluations["truth"]
        table.add("super_resolution", system, summary.of_moments(*fields, bootstrap))
        references = {name: distances[name] for name in params.references if system not in ("bilinear", name)}
        table.add("super_resolution", system, summary.of_cities(distance, references))

    for path in files.reconstructions:
        errors = netcdf.read(path)
        table.add("autoencoder", Path(path).parent.name, summary.of_reconstructions(errors, bootstrap))
    for path in files.fills:
        sums, fill = netcdf.read(path), Path(path).parent.name
        table.add("inpainting", fill, summary.of_fills(sums, fill, bootstrap))

    for index_path, probe_path in zip(files.jets, files.probes, strict=True):
        sector, index = Path(index_path).parent.name, netcdf.read(index_path)
        table.add("jet", sector, summary.of_jet(index, bootstrap_of_jet))
        for source, skill in netcdf.read(probe_path)["skill"].groupby("source"):
            table.add("jet", f"{sector} {source}", summary.of_jet_probe(skill.squeeze("source")))

    with replacing(snakemake.output.summary) as partial:
        table.to_frame().to_csv(partial, index=False, float_format="%.6g")
    netcdf.write(snakemake.output.netcdf, table.to_xarray())
    log.info("%d numbers", len(table.rows))
