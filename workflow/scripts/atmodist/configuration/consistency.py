"""What a schema cannot express: keys that must fit each other."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import combinations
from math import ceil
from pathlib import Path
from typing import Any

from atmodist.configuration import jet, limits
from atmodist.configuration.derived import (
    ENCODER_SECTIONS,
    archive_truncation,
    encoders,
    evaluation_shards,
    first_and_last,
    grid_rows,
    models,
    splits,
    time_count,
)
from atmodist.data import points
from atmodist.data.variables import FIELDS, VARIABLES, WIND
from atmodist.evaluation.families import LAGS
from atmodist.learning import sizes
from atmodist.samples.counts import certain_pairs, sample_count

DESCRIBED_IN = {"synthetic": "synthetic", "files": "files", "era5": "download", "arco": "arco"}
"""Key of ``data`` that says what each source needs."""
PAIRS_OF_A_LAG = 8
"""Pairs of each lag, on average: by chance alone one lag in 3000 then has none."""
NO_FOLDERS = {".ckpt", ".json", ".keras", ".npz", ".pkl", ".pt", ".pth", ".safetensors", ".zip"}
"""Ends of names of files that are not read as weights, and hardly of a folder."""


def problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Each contradiction between keys, as "key is value; expected …".

    ``config`` already fits the schema.
    """
    wrong = [*_problems_of_days(config)] or [*limits.problems_of_years(config)]
    yield from wrong
    if wrong:
        return  # all others are told from the days
    yield from _problems_of_variables(config)
    yield from _problems_of_windows(config)
    yield from limits.problems_of_files(config)
    yield from limits.problems_of_synthetic(config)
    yield from limits.problems_of_download(config)
    yield from _problems_of_spot_check(config)
    yield from _problems_of_models(config)
    yield from _problems_of_rates(config)
    yield from _problems_of_encoders(config)
    yield from _problems_of_encoding(
        config, "evaluation.representation", config["evaluation"]["representation"]
    )
    yield from _problems_of_reconstruction(config)
    for position, encoding in enumerate(config["jet"]["probe"]["encoders"]):
        yield from _problems_of_encoding(config, f"jet.probe.encoders.{position}", encoding)
    yield from jet.problems(config)
    yield from _problems_of_batches(config)
    yield from _problems_of_calibration(config)
    times = time_count(config, "eval")
    if times <= LAGS[-1]:
        yield (
            f"data.eval holds {times} times; expected more than {LAGS[-1]}, the longest lag of the orderings"
        )
    evaluation = config["evaluation"]
    alone = len(evaluation_shards(config)) == 1
    if evaluation["shard_days"] % evaluation["block_days"] and not alone:
        yield (
            f"evaluation.shard_days is {evaluation['shard_days']}; "
            f"expected a multiple of evaluation.block_days, which is {evaluation['block_days']}, or all of "
            "data.eval"
        )
    yield from _problems_of_uncertainty(config)
    yield from limits.problems_of_cities(config)
    yield from limits.problems_of_regions(config)
    yield from _problems_of_figures(config)
    yield from limits.problems_of_truncation(config)


def _problems_of_days(config: Mapping[str, Any]) -> Iterator[str]:
    data = config["data"]
    needed = DESCRIBED_IN[data["source"]]
    if needed not in data:
        yield f"data.{needed} is missing; data.source {data['source']} needs it"
        return
    if archive_truncation(config) < data["truncation"]:
        yield (
            f"data.archive_truncation is {data['archive_truncation']}; expected at least data.truncation, "
            f"{data['truncation']}"
        )
    for split in splits(config):
        for key, value in data[split].items():
            try:
                date.fromisoformat(value)
            except ValueError:
                yield f"data.{split}.{key} is {value!r}, which is no day of the calendar"
                return
        start, end = first_and_last(data[split])
        if end < start:
            yield f"data.{split}.end is {end}, before data.{split}.start, {start}"
            return
        if time_count(config, split) <= config["pairs"]["max_lag"]:
            yield (
                f"data.{split} holds {time_count(config, split)} times; "
                f"expected more than pairs.max_lag, {config['pairs']['max_lag']}"
            )
    for other, split in combinations(splits(config), 2):
        (first, last), (start, end) = first_and_last(data[other]), first_and_last(data[split])
        if first <= end and start <= last:
            yield (
                f"data.{split}, {start} to {end}, overlaps data.{other}, {first} to {last}; "
                "expected days that no other split holds"
            )


def _problems_of_spot_check(config: Mapping[str, Any]) -> Iterator[str]:
    """An archive to compare with that is not described."""
    against = config["data"]["spot_check"]["against"]
    needed = DESCRIBED_IN[against]
    if needed not in config["data"]:
        yield f"data.{needed} is missing; data.spot_check.against {against} needs it"


def _problems_of_variables(config: Mapping[str, Any]) -> Iterator[str]:
    data = config["data"]
    named = {
        "data.variables": (data["variables"], FIELDS),
        "data.bounds": (data.get("bounds", {}), VARIABLES),
    }
    for key, (names, known) in named.items():
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}? " if near else ""
                more = "" if near or key != "data.variables" else " (docs/extending.md says how to add one)"
                yield f"{key} holds {name}, which is unknown; {hint}expected {', '.join(known)}{more}"
    if data["source"] == "synthetic":
        for name in data["variables"]:
            if name not in WIND:
                yield (
                    f"data.variables holds {name}, which the synthetic atmosphere does not have; "
                    f"expected {' or '.join(WIND)}"
                )
    for name, (least, greatest) in data.get("bounds", {}).items():
        if least >= greatest:
            yield f"data.bounds.{name} is [{least}, {greatest}]; expected the least value first"


def _problems_of_windows(config: Mapping[str, Any]) -> Iterator[str]:
    south, north = config["windows"]["latitude"]
    if south >= north:
        yield f"windows.latitude is [{south}, {north}]; expected the southern edge first"
        return
    if not any(south <= row <= north for row in points.latitudes(grid_rows(config))):
        yield (
            f"windows.latitude is [{south}, {north}], between two rows of the grid, "
            f"{180 / grid_rows(config):.2g}° apart "
            "(data.truncation); expected a row at least"
        )
    for kind in ("pairs", "patches"):
        patch, rows = config[kind]["patch"], grid_rows(config)
        reach = patch / 2 * 180 / rows
        if north + reach > 90 or south - reach < -90:
            yield (
                f"{kind}.patch is {patch}: {2 * reach:.1f}° tall on the grid of data.truncation "
                f"{config['data']['truncation']}, it leaves the grid when centred at the edge of "
                f"windows.latitude, [{south}, {north}]; "
                "expected a smaller patch or band"
            )


def _problems_of_models(config: Mapping[str, Any]) -> Iterator[str]:
    known, processes = models(config, "atmodist"), config["training"]["devices"] * config["training"]["nodes"]
    trained = {
        f"{kind}.models.{name}": model
        for kind in ("atmodist", "srgan")
        for name, model in models(config, kind).items()
        if "weights" not in model
    }
    if models(config, "srgan"):
        trained["srgan.defaults"] = config["srgan"]["defaults"]  # of the generator's pre-training
    for key, model in trained.items():
        if model["batch_size"] % processes:
            yield (
                f"{key}.batch_size is {model['batch_size']}; expected a multiple of {processes}, the devices "
                "of all nodes of a training run"
            )
    for name, model in known.items():
        if "weights" not in model and model["batch_size"] < 2 * processes:
            yield (
                f"atmodist.models.{name}.batch_size is {model['batch_size']}; expected at least "
                f"{2 * processes}, two pairs on each device, whose means and variances the network takes"
            )
        if not 2 <= model["classes"] <= config["pairs"]["max_lag"]:
            yield (
                f"atmodist.models.{name}.classes is {model['classes']}; "
                f"expected 2 to pairs.max_lag, {config['pairs']['max_lag']}"
            )
        if (path := Path(model.get("weights", ""))).suffix.lower() in NO_FOLDERS:
            yield (
                f"atmodist.models.{name}.weights is {path}; "
                "expected a model folder, or a file ending in .h5 or .hdf5"
            )
    if "weights" in config["atmodist"]["defaults"]:
        yield "atmodist.defaults.weights is given; expected weights in the entry of a model alone"
    for name, model in models(config, "srgan").items():
        content, duel = model["content"], model["discriminator"]
        below, above = duel["extra_generator_below"], duel["extra_discriminator_above"]
        if below > above:
            yield (
                f"srgan.models.{name}.discriminator.extra_generator_below is {below}; "
                f"expected at most extra_discriminator_above, which is {above}"
            )
        yield from _unknown_encoder(config, f"srgan.models.{name}.content", content)
        epochs = sum(phase["epochs"] for phase in model["phases"])
        if model["evaluate_epoch"] > epochs:
            yield (
                f"srgan.models.{name}.evaluate_epoch is {model['evaluate_epoch']}; "
                f"expected 1 to {epochs}, the epochs of its phases"
            )


def _problems_of_rates(config: Mapping[str, Any]) -> Iterator[str]:
    """Learning rates that could not fall."""
    for kind in ("atmodist", "autoencoder"):
        for name, model in models(config, kind).items():
            floor, rate = model["learning_rate_schedule"]["floor"], model["learning_rate"]
            if floor >= rate:
                yield (
                    f"{kind}.models.{name}.learning_rate_schedule.floor is {floor}; expected less than "
                    f"learning_rate, which is {rate}"
                )


def _problems_of_encoders(config: Mapping[str, Any]) -> Iterator[str]:
    made_by: dict[str, str] = {}
    for section in ENCODER_SECTIONS:
        for name in config[section]["models"]:
            if name in made_by:
                yield (
                    f"{section}.models holds {name}, as does {made_by[name]}.models; "
                    "expected another name for each encoder"
                )
            made_by[name] = section


def _problems_of_encoding(config: Mapping[str, Any], key: str, encoding: Any) -> Iterator[str]:
    """What an encoder's layer makes of whole fields: their rows are to be multiples of its stride."""
    yield from _unknown_encoder(config, key, encoding)
    if isinstance(encoding, Mapping):
        rows, stride = grid_rows(config), sizes.stride(encoding["layer"])
        if rows % stride:
            yield (
                f"{key}.layer is {encoding['layer']}, with a value every {stride} rows of the grid's {rows} "
                f"(data.truncation {config['data']['truncation']}); expected a layer whose step divides them"
            )


def _unknown_encoder(config: Mapping[str, Any], key: str, content: Any) -> Iterator[str]:
    known = encoders(config)
    if isinstance(content, Mapping) and content["encoder"] not in known:
        sections = " or ".join(f"{section}.models" for section in ENCODER_SECTIONS)
        yield (
            f"{key}.encoder is {content['encoder']!r}; expected a model under {sections}: {', '.join(known)}"
        )


def _problems_of_reconstruction(config: Mapping[str, Any]) -> Iterator[str]:
    processes = config["training"]["devices"] * config["training"]["nodes"]
    samples = config["pairs"]
    pairs = sample_count(time_count(config, "train"), samples["per_time"], samples["max_lag"])
    for kind in ("autoencoder", "inpainting"):
        for name, model in models(config, kind).items():
            key, size = f"{kind}.models.{name}", model["batch_size"]
            if size % (2 * processes):
                yield (
                    f"{key}.batch_size is {size}; expected a multiple of {2 * processes}: both patches of a "
                    "pair" + f", on {processes} devices" * (processes > 1)
                )
            halves = {"batch_size": size // 2, "batches": model["batches"]}
            yield from _too_large(key, model, 2 * pairs, "patches of pairs", "pairs.per_time")
            yield from _too_many(f"{key}.batches", halves, pairs, "pairs", "pairs.per_time")
    for name, model in models(config, "inpainting").items():
        yield from _unknown_encoder(config, f"inpainting.models.{name}.content", model["content"])


def _problems_of_batches(config: Mapping[str, Any]) -> Iterator[str]:
    """Training runs that ask for more samples than will be there, which would fail only when they start."""
    times = time_count(config, "train")
    max_lag = config["pairs"]["max_lag"]
    pairs = sample_count(times, config["pairs"]["per_time"], max_lag)
    patches = sample_count(times, config["patches"]["per_time"], 0)
    trained = {name: model for name, model in models(config, "atmodist").items() if "weights" not in model}
    for name, model in trained.items():
        key, classes, first = f"atmodist.models.{name}", model["classes"], model["pretraining"]
        found = (
            certain_pairs(pairs, min(classes, max_lag), max_lag),
            f"pairs with lags up to {classes}",
            "pairs.per_time",
        )
        yield from _too_large(key, model, *found)
        yield from _too_many(f"{key}.batches", model, *found)
        if first["epochs"]:
            subset = {"batch_size": model["batch_size"], "batches": first["batches"]}
            yield from _too_many(f"{key}.pretraining.batches", subset, *found)
            if model["batches"] and first["batches"] and first["batches"] > model["batches"]:
                yield (
                    f"{key}.pretraining.batches is {first['batches']}; "
                    f"expected at most {key}.batches, {model['batches']}, of which they are the first"
                )
    section, found = config["srgan"], (patches, "patches", "patches.per_time")
    yield from _too_large("srgan.defaults", section["defaults"], *found)
    alone = {"batch_size": section["defaults"]["batch_size"], "batches": section["pretraining"]["batches"]}
    yield from _too_many("srgan.pretraining.batches", alone, *found)
    for name, model in models(config, "srgan").items():
        yield from _too_large(f"srgan.models.{name}", model, *found)
        yield from _too_many(f"srgan.models.{name}.batches", model, *found)


def _problems_of_calibration(config: Mapping[str, Any]) -> Iterator[str]:
    """So few pairs that lags may have none, which would be found when an encoder has been trained."""
    samples = config["pairs"]
    for split in ("train", "eval"):
        pairs = sample_count(time_count(config, split), samples["per_time"], samples["max_lag"])
        if pairs < PAIRS_OF_A_LAG * samples["max_lag"]:
            yield (
                f"data.{split} holds {pairs} pairs; expected at least {PAIRS_OF_A_LAG * samples['max_lag']}, "
                f"{PAIRS_OF_A_LAG} of each lag (pairs.per_time, pairs.max_lag)"
            )
    batches, lags = config["calibration"]["batches"], config["pairs"]["max_lag"]
    known = [model["classes"] for model in models(config, "atmodist").values()]
    if "validation" in splits(config) and known:
        pairs = sample_count(time_count(config, "validation"), samples["per_time"], lags)
        needed = ceil(PAIRS_OF_A_LAG * lags / min(known))
        if pairs < needed:
            yield (
                f"data.validation holds {pairs} pairs; expected at least {needed}, of which "
                f"{PAIRS_OF_A_LAG} have a lag that a model of {min(known)} classes knows"
            )
    sizes = [
        model["batch_size"] for section in ENCODER_SECTIONS for model in models(config, section).values()
    ]
    needed = ceil(PAIRS_OF_A_LAG * lags / min(sizes, default=1))
    if sizes and batches and batches < needed:
        yield (
            f"calibration.batches is {batches}; expected at least {needed}, which hold {PAIRS_OF_A_LAG} "
            f"pairs of each of {lags} lags (pairs.max_lag, batch_size)"
        )


def _too_large(key: str, training: Mapping[str, Any], samples: int, what: str, source: str) -> Iterator[str]:
    if training["batch_size"] > samples:
        yield (
            f"{key}.batch_size is {training['batch_size']}; expected at most {samples}, the {what} that "
            f"data.train and {source} are sure to give"
        )


def _too_many(key: str, training: Mapping[str, Any], samples: int, what: str, source: str) -> Iterator[str]:
    batches, size = training["batches"], training["batch_size"]
    if batches and batches * size > samples:
        yield (
            f"{key} is {batches}; expected at most {samples // size} batches of {size} in {samples} {what}, "
            f"which batch_size, data.train and {source} are sure to give"
        )


def _problems_of_uncertainty(config: Mapping[str, Any]) -> Iterator[str]:
    settings, columns = config["uncertainty"], 2 * grid_rows(config)
    step, lag = config["data"]["step_hours"], settings["lag_hours"]
    if lag % step or lag // step >= time_count(config, "eval"):
        yield (
            f"uncertainty.lag_hours is {lag}; "
            f"expected a multiple of data.step_hours, {step}, shorter than data.eval"
        )
    for hours in settings["series_lag_hours"]:
        if hours % step:
            yield f"uncertainty.series_lag_hours holds {hours}; expected multiples of data.step_hours, {step}"
    if columns % settings["stride"]:
        yield (
            f"uncertainty.stride is {settings['stride']}; expected a divisor of the grid's {columns} columns"
        )
    most = grid_rows(config) - config["pairs"]["patch"]
    if settings["stride"] > most > 0:  # else the patch does not fit, which is told
        yield (
            f"uncertainty.stride is {settings['stride']}; expected at most {most}, so that there are two "
            "rows of windows (pairs.patch)"
        )


def _problems_of_figures(config: Mapping[str, Any]) -> Iterator[str]:
    figures, days = config["figures"], config["data"]["eval"]
    try:
        time = datetime.fromisoformat(figures["time"])
    except ValueError:
        yield f"figures.time is {figures['time']!r}, which is no time of the calendar"
        return
    start, end = first_and_last(days)
    if not start <= time.date() <= end:
        yield f"figures.time is {figures['time']}; expected a time within data.eval, {start} to {end}"
    if time.minute or time.hour % (step := config["data"]["step_hours"]):
        yield f"figures.time is {figures['time']}; expected a multiple of data.step_hours, {step} h"
    for name, region in figures["regions"].items():
        for axis, (first, last) in region.get("zoom", {}).items():
            low, high = region[axis]
            if not low <= first < last <= high:
                yield (
                    f"figures.regions.{name}.zoom.{axis} is [{first}, {last}]; "
                    f"expected a part of the region's, [{low}, {high}]"
                )
    if figures["lag_hours"] < 2 * config["data"]["step_hours"]:
        yield (
            f"figures.lag_hours is {figures['lag_hours']}; expected at least "
            f"{2 * config['data']['step_hours']}, two lags (data.step_hours)"
        )
    if figures["high_pass_degree"] > config["data"]["truncation"]:
        yield (
            f"figures.high_pass_degree is {figures['high_pass_degree']}; expected at most the truncation, "
            f"{config['data']['truncation']}"
        )
    for name, (first, last) in ((str(view), view) for view in figures["spectrum_views"]):
        if not first < last <= config["data"]["truncation"]:
            yield (
                f"figures.spectrum_views holds {name}; expected a first degree below the last and "
                f"both within the truncation, {config['data']['truncation']}"
            )
