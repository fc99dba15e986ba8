"""The config: checked before anything runs, and the few things that follow from it.

Imports nothing heavy, because the Snakefile imports it.
"""

import difflib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from atmodist.core.errors import InputError
from atmodist.core.periods import Period, blocks, months, years
from atmodist.samples.counts import certain_pairs, sample_count, shard_count

SPLITS = ("train", "eval")


def tidy(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it is meant: dates that YAML parsed are text again, entries set to null are gone.

    Entries are the models and regions that another config laid over this one can take away with null.
    """
    result = {key: tidy(value) if isinstance(value, Mapping) else value for key, value in config.items()}
    result = {key: value.isoformat() if isinstance(value, date) else value for key, value in result.items()}
    for kind in {"models", "regions"} & result.keys():
        if isinstance(result[kind], dict):
            result[kind] = {name: entry for name, entry in result[kind].items() if entry is not None}
    return result


def check(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Refuse a config that cannot work.

    Raises ``InputError`` with one sentence that names the key, what it holds and what it may hold.
    """
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: len(error.path))
    if errors:
        raise InputError(_explain(errors[0]))
    for problem in _cross_field_problems(config):
        raise InputError(f"config key {problem}")


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it, mapping by mapping."""
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def models(config: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Settings of every model under ``kind`` (``atmodist`` or ``srgan``), with the defaults filled in."""
    section = config[kind]
    return {name: merged(section["defaults"], changes) for name, changes in section["models"].items()}


def periods(config: Mapping[str, Any], split: str) -> list[Period]:
    """Periods of a split: calendar months, or blocks of days of the synthetic atmosphere."""
    data = config["data"]
    start, end = data[split]["start"], data[split]["end"]
    if data["source"] == "synthetic":
        return blocks(start, end, data["synthetic"]["period_days"])
    return months(start, end)


def surface_pressure_years(config: Mapping[str, Any]) -> list[Period]:
    """Years of the training split for which surface pressure is downloaded."""
    days = config["data"]["train"]
    return years(days["start"], days["end"])


def evaluation_shards(config: Mapping[str, Any]) -> list[Period]:
    """Days of the evaluation split that one job evaluates."""
    days = config["data"]["eval"]
    return blocks(days["start"], days["end"], config["evaluation"]["shard_days"])


def time_count(config: Mapping[str, Any], split: str) -> int:
    """Number of analyses in a split."""
    start, end = _days(config["data"][split])
    return ((end - start).days + 1) * 24 // config["data"]["step_hours"]


def pair_shards(config: Mapping[str, Any], split: str) -> int:
    """Number of files of pairs."""
    times, per_time, pairs = time_count(config, split), config["windows"]["per_time"], config["pairs"]
    return shard_count(times, per_time, pairs["max_lag"], pairs["shard_size"])


def patch_shards(config: Mapping[str, Any], split: str) -> int:
    """Number of files of patches."""
    times, per_time = time_count(config, split), config["windows"]["per_time"]
    return shard_count(times, per_time, 0, config["patches"]["shard_size"])


def grid_rows(config: Mapping[str, Any]) -> int:
    """Rows of the grid: 2(T + 1) for an odd truncation T; an even one is gridded like T + 1."""
    return 2 * ((config["data"]["truncation"] | 1) + 1)


def content_encoders(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each (AtmoDist model, layer) that a super-resolution model uses as content loss."""
    contents = (model["content"] for model in models(config, "srgan").values())
    return sorted({(content["encoder"], content["layer"]) for content in contents if content != "mse"})


def uncertainty_models(config: Mapping[str, Any]) -> list[str]:
    """AtmoDist models that know the lag of the uncertainty maps."""
    steps = config["uncertainty"]["lag_hours"] // config["data"]["step_hours"]
    return [name for name, model in models(config, "atmodist").items() if model["classes"] >= steps]


def processors(training: Mapping[str, Any]) -> dict[str, Any]:
    """Snakemake's resources of a training: GPUs, those of each node if there are several, or nodes alone."""
    devices, nodes, gpu = training["devices"], training["nodes"], training["device"] != "cpu"
    if nodes == 1:
        return {"gpu": devices if gpu else 0}
    return {"nodes": nodes, **({"gres": f"gpu:{devices}"} if gpu else {"tasks": nodes})}


def zooms(config: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Latitudes and longitudes of each region that its maps show enlarged: by default its middle third."""
    regions = config["figures"]["regions"]
    middle = {
        name: {
            axis: [(2 * low + high) / 3, (low + 2 * high) / 3]
            for axis, (low, high) in region.items()
            if axis != "zoom"
        }
        for name, region in regions.items()
    }
    return {name: region.get("zoom", middle[name]) for name, region in regions.items()}


def _days(split: Mapping[str, str]) -> tuple[date, date]:
    return date.fromisoformat(split["start"]), date.fromisoformat(split["end"])


def _cross_field_problems(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _problems_of_days(config)
    yield from _problems_of_windows(config)
    yield from _problems_of_models(config)
    yield from _problems_of_batches(config)
    evaluation = config["evaluation"]
    if evaluation["shard_days"] % evaluation["block_days"]:
        yield (
            f"evaluation.shard_days is {evaluation['shard_days']}; "
            f"expected a multiple of evaluation.block_days, which is {evaluation['block_days']}"
        )
    yield from _problems_of_uncertainty(config)
    yield from _problems_of_figures(config)


def _problems_of_days(config: Mapping[str, Any]) -> Iterator[str]:
    data = config["data"]
    needed = {"synthetic": "synthetic", "files": "files", "era5": "download"}[data["source"]]
    if needed not in data:
        yield f"data.{needed} is missing; data.source {data['source']} needs it"
        return
    for split in SPLITS:
        for key, value in data[split].items():
            try:
                date.fromisoformat(value)
            except ValueError:
                yield f"data.{split}.{key} is {value!r}, which is no day of the calendar"
        start, end = _days(data[split])
        if end < start:
            yield f"data.{split}.end is {end}, before data.{split}.start, {start}"
        if time_count(config, split) <= config["pairs"]["max_lag"]:
            yield (
                f"data.{split} holds {time_count(config, split)} times; "
                f"expected more than pairs.max_lag, {config['pairs']['max_lag']}"
            )
    train, evaluation = _days(data["train"]), _days(data["eval"])
    if train[0] <= evaluation[1] and evaluation[0] <= train[1]:
        yield (
            f"data.eval, {evaluation[0]} to {evaluation[1]}, overlaps data.train, {train[0]} to {train[1]}; "
            "expected days that are not trained on"
        )


def _problems_of_windows(config: Mapping[str, Any]) -> Iterator[str]:
    south, north = config["windows"]["latitude"]
    if south >= north:
        yield f"windows.latitude is [{south}, {north}]; expected the southern edge first"
    for kind in ("pairs", "patches"):
        patch, rows = config[kind]["patch"], grid_rows(config)
        reach = patch / 2 * 180 / rows
        if north + reach > 90 or south - reach < -90:
            yield (
                f"{kind}.patch is {patch}: {2 * reach:.1f}° tall on this grid of {rows} rows, it leaves the "
                f"grid when centred at the edge of windows.latitude, [{south}, {north}]; "
                "expected a smaller patch or band"
            )


def _problems_of_models(config: Mapping[str, Any]) -> Iterator[str]:
    known, processes = models(config, "atmodist"), config["training"]["devices"] * config["training"]["nodes"]
    for kind in ("atmodist", "srgan"):
        for name, model in models(config, kind).items():
            if model["batch_size"] % processes:
                yield (
                    f"{kind}.models.{name}.batch_size is {model['batch_size']}; expected a multiple of "
                    f"{processes}, the devices of all nodes of a training"
                )
    for name, model in known.items():
        if not 2 <= model["classes"] <= config["pairs"]["max_lag"]:
            yield (
                f"atmodist.models.{name}.classes is {model['classes']}; "
                f"expected 2 to pairs.max_lag, {config['pairs']['max_lag']}"
            )
    for name, model in models(config, "srgan").items():
        content = model["content"]
        if content != "mse" and content["encoder"] not in known:
            yield (
                f"srgan.models.{name}.content.encoder is {content['encoder']!r}; expected a model under "
                f"atmodist.models: {', '.join(known)}"
            )
        epochs = sum(phase["epochs"] for phase in model["phases"])
        if model["evaluate_epoch"] > epochs:
            yield (
                f"srgan.models.{name}.evaluate_epoch is {model['evaluate_epoch']}; "
                f"expected 1 to {epochs}, the epochs of its phases"
            )


def _problems_of_batches(config: Mapping[str, Any]) -> Iterator[str]:
    """Trainings that ask for more samples than will be there, which they themselves would tell only then."""
    times, per_time = time_count(config, "train"), config["windows"]["per_time"]
    max_lag = config["pairs"]["max_lag"]
    pairs, patches = sample_count(times, per_time, max_lag), sample_count(times, per_time, 0)
    for name, model in models(config, "atmodist").items():
        key, classes, first = f"atmodist.models.{name}", model["classes"], model["pretraining"]
        found = certain_pairs(pairs, classes, max_lag), f"pairs with lags up to {classes}"
        yield from _too_many(f"{key}.batches", model, *found)
        if first["epochs"]:
            subset = {"batch_size": model["batch_size"], "batches": first["batches"]}
            yield from _too_many(f"{key}.pretraining.batches", subset, *found)
            if model["batches"] and first["batches"] and first["batches"] > model["batches"]:
                yield (
                    f"{key}.pretraining.batches is {first['batches']}; "
                    f"expected at most {key}.batches, {model['batches']}, whose first they are"
                )
    section, found = config["srgan"], (patches, "patches")
    alone = {"batch_size": section["defaults"]["batch_size"], "batches": section["pretraining"]["batches"]}
    yield from _too_many("srgan.pretraining.batches", alone, *found)
    for name, model in models(config, "srgan").items():
        yield from _too_many(f"srgan.models.{name}.batches", model, *found)


def _too_many(key: str, training: Mapping[str, Any], samples: int, what: str) -> Iterator[str]:
    batches, size = training["batches"], training["batch_size"]
    if batches and batches * size > samples:
        yield (
            f"{key} is {batches}; expected at most {samples // size} batches of {size} in {samples} {what}, "
            "which data.train and windows.per_time are sure to give"
        )


def _problems_of_uncertainty(config: Mapping[str, Any]) -> Iterator[str]:
    settings, columns = config["uncertainty"], 2 * grid_rows(config)
    step, lag = config["data"]["step_hours"], settings["lag_hours"]
    if lag % step or lag // step >= time_count(config, "eval"):
        yield (
            f"uncertainty.lag_hours is {lag}; "
            f"expected a multiple of data.step_hours, {step}, shorter than data.eval"
        )
    if columns % settings["stride"]:
        yield (
            f"uncertainty.stride is {settings['stride']}; expected a divisor of the grid's {columns} columns"
        )


def _problems_of_figures(config: Mapping[str, Any]) -> Iterator[str]:
    figures, days = config["figures"], config["data"]["eval"]
    try:
        time = datetime.fromisoformat(figures["time"])
    except ValueError:
        yield f"figures.time is {figures['time']!r}, which is no time of the calendar"
        return
    start, end = _days(days)
    if not start <= time.date() <= end:
        yield f"figures.time is {figures['time']}; expected a time within data.eval, {start} to {end}"
    if time.minute or time.hour % config["data"]["step_hours"]:
        yield f"figures.time is {figures['time']}; expected a multiple of data.step_hours"
    for name, zoom in zooms(config).items():
        for axis, (first, last) in zoom.items():
            low, high = figures["regions"][name][axis]
            if not low <= first < last <= high:
                yield (
                    f"figures.regions.{name}.zoom.{axis} is [{first}, {last}]; "
                    f"expected a part of the region's, [{low}, {high}]"
                )
    for name, (first, last) in ((str(view), view) for view in figures["spectrum_views"]):
        if first >= last or first > config["data"]["truncation"]:
            yield (
                f"figures.spectrum_views holds {name}; expected a first degree below the last and "
                f"within the truncation, {config['data']['truncation']}"
            )


def _explain(error: ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        near = difflib.get_close_matches(unknown, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"config key {_join(key, unknown)} is unknown; {hint}expected one of {', '.join(known)}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"config key {_join(key, missing)} is missing; expected {_meaning(error.schema, missing)}"
    return f"config key {key or '(top)'} holds {error.instance!r}; expected {_expected(error)}"


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _meaning(schema: Mapping[str, Any], key: str) -> str:
    text = schema.get("properties", {}).get(key, {}).get("description", "a value")
    return text[0].lower() + text[1:].split(". ")[0].rstrip(".")


def _expected(error: ValidationError) -> str:
    value = error.validator_value
    names = {"integer": "a whole number", "number": "a number", "string": "text", "object": "a mapping"}
    names |= {"array": "a list", "boolean": "true or false", "null": "null"}
    match error.validator:
        case "type":
            return " or ".join(names[kind] for kind in ([value] if isinstance(value, str) else value))
        case "enum":
            return "one of " + ", ".join(str(choice) for choice in value)
        case "minimum":
            return f"at least {value}"
        case "maximum":
            return f"at most {value}"
        case "exclusiveMinimum":
            return f"more than {value}"
        case "exclusiveMaximum":
            return f"less than {value}"
        case "multipleOf":
            return f"a multiple of {value}"
        case "minItems":
            return f"at least {value} entries"
        case "maxItems":
            return f"at most {value} entries"
        case "minProperties":
            return f"at least {value} entry"
        case "pattern":
            return f"text of the form {value}"
        case "oneOf":
            return "mse, or a mapping of encoder (a model under atmodist.models) and layer (stage1 … stage4)"
        case _:
            return error.message
