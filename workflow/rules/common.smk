# The config, checked before anything runs; where things lie; and small helpers of the rules.
import re

SCHEMA = configuration.read(WORKFLOW / "schemas/config.schema.yaml")
try:
    # A module's config, like a file of --configfile, holds what differs from the paper's.
    if AS_MODULE:
        config = configuration.stacked(configuration.read(CONFIG_FILE), config)
    config = configuration.ordered(configuration.tidy(config), SCHEMA)
    configuration.check(config, SCHEMA, Path(CONFIG_FILE))
except InputError as error:
    raise WorkflowError(str(error)) from None

SOURCE = config["data"]["source"]
SPLITS = configuration.splits(config)
RESULTS = f"results/{config['name']}"
FIGURES = f"{RESULTS}/figures"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"

PERIODS = {
    split: {period.name: period for period in configuration.periods(config, split)}
    for split in SPLITS
}
SPLIT_OF = {name: split for split, periods in PERIODS.items() for name in periods}
ATMODIST = configuration.models(config, "atmodist")
AUTOENCODER = configuration.models(config, "autoencoder")
UNTRAINED = configuration.models(config, "untrained")
ENCODERS = configuration.encoders(config)
# Models whose weights come from elsewhere, and the others.
IMPORTED = [name for name, model in ATMODIST.items() if "weights" in model]
TRAINED = [name for name in ATMODIST if name not in IMPORTED]
SRGAN = configuration.models(config, "srgan")
INPAINTING = configuration.models(config, "inpainting")
SECTORS = config["jet"]["sectors"]
SYSTEMS = ["truth", "bilinear", *SRGAN]
# What the numbers of a training run depend on beside its own settings; the rest of `training` is hardware. Scripts
# read `training` from the config: as a parameter, which none of them reads, this alone makes a change run again.
NUMERICS = {key: config["training"][key] for key in ("precision", "threads")}
# A day, which most clusters allow: a training run that needs longer resumes in its next attempt.
TRAINING_MINUTES = 1440
THREADS = config["training"]["threads"]
GPU = 0 if config["training"]["device"] == "cpu" else 1
# What a training run asks for: GPUs of one node, or whole sets of them on several nodes.
PROCESSORS = configuration.processors(config["training"])
DEVICES = config["training"]["devices"]
# Batch normalisation sees the part of a batch that is on one device, so that their number matters.
PARTS = DEVICES * config["training"]["nodes"]


# What is asked of an archive for a period, whichever archive it is; and of the surface, once a day.
ASKED = {
    "period": "{period}",
    **{
        key: config["data"][key]
        for key in ("step_hours", "variables", "level", "truncation")
    },
    "archive_truncation": configuration.archive_truncation(config),
}
ASKED_OF_SURFACE = {
    **ASKED,
    "step_hours": 24,
    "variables": ["log_surface_pressure"],
    "level": 1,
}


def any_of(names):
    """Expression that matches any of the names, or nothing if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    # Two spans of days: a period is stored in a file of its own, an evaluation shard is evaluated by a job.
    period=r"\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d",
    days=r"\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d",
    shard=r"\d{5}",
    split=any_of(SPLITS),
    model=any_of([*ATMODIST, *AUTOENCODER, *SRGAN, *INPAINTING]),
    system=any_of(SYSTEMS),
    encoder=any_of(ENCODERS),
    section=any_of(configuration.ENCODER_SECTIONS),
    layer=any_of(LAYERS),


def period_files(pattern, split):
    """One file for each period of a split, in the order of time."""
    return expand(pattern, period=PERIODS[split])


def gridded(path):
    """A file of fields on the grid, deleted after its last use if the config does not keep it."""
    return path if config["grid"]["keep"] else temp(path)


def behind(split):
    """Files behind a split's virtual data set, which its readers need too if they are to be deleted."""
    if config["grid"]["keep"]:
        return []
    return period_files(f"{RESULTS}/grid/{{period}}.h5", split)


def pair_files(split):
    """Files of pairs of a split."""
    return expand(
        f"{RESULTS}/pairs/{split}/{{shard:05d}}.h5",
        shard=range(configuration.pair_shards(config, split)),
    )


def patch_files(split):
    """Files of patches of a split."""
    return expand(
        f"{RESULTS}/patches/{split}/{{shard:05d}}.h5",
        shard=range(configuration.patch_shards(config, split)),
    )


def picture(name, category, parts=None):
    """A figure as PDF and PNG, the latter in the report with its caption; or one for each of its parts."""
    pdf, png = (
        (
            f"{FIGURES}/{name}.{suffix}"
            if parts is None
            else [f"{FIGURES}/{name}_{part}.{suffix}" for part in parts]
        )
        for suffix in ("pdf", "png")
    )
    caption = f"../report/{name}.rst"
    return {"pdf": pdf, "png": report(png, caption=caption, category=category)}


def drawn(files, otherwise):
    """The files that a figure draws, or where there are none a refusal: ``otherwise`` says why."""

    def refuse(wildcards):
        raise WorkflowError(f"{otherwise}: there is nothing for this figure to draw")

    return files or refuse


def other_archive(wildcards):
    """The archive to compare with, or a refusal where it is the source itself."""
    against = config["data"]["spot_check"]["against"]
    if SOURCE == "synthetic":
        raise WorkflowError(
            "data.source is synthetic; a spot check compares two of arco, era5 and files"
        )
    if against == SOURCE:
        raise WorkflowError(
            f"data.spot_check.against is {against}, as is data.source; expected another archive"
        )
    return against


def encoder_folder(encoder):
    """Where an encoder lies, whoever made it."""
    return f"{RESULTS}/{ENCODERS[encoder]}/{encoder}"


def encoder_file(encoder):
    """The file of an encoder, whoever made it."""
    return f"{encoder_folder(encoder)}/best.pt"


def lag_losses(split):
    """Distances by lag of every encoder, on pairs of a split."""
    return [
        f"{encoder_folder(encoder)}/lag_losses_{split}_{layer}.nc"
        for encoder, layer in configuration.compared_content_losses(config)
    ]


def with_names(params):
    """A rule's params and their names, as one more of them."""
    if not any(map(callable, params.values())):
        return params
    return lambda wildcards: {
        name: value(wildcards) if callable(value) else value
        for name, value in params.items()
    }


def imported_weights(wildcards):
    """Files of a model folder, or the one that Keras wrote."""
    path = ATMODIST[wildcards.model]["weights"]
    of_keras = path.endswith((".h5", ".hdf5"))
    there = Path(path).is_file() if of_keras else Path(path).is_dir()
    if not there and not AS_MODULE:  # whose host may make it
        raise WorkflowError(
            f"config key atmodist.models.{wildcards.model}.weights is {path}; expected a "
            "model folder that there is, or a file of Keras, .h5 or .hdf5"
        )
    if of_keras:
        return [path]
    return [f"{path}/config.json", f"{path}/model.safetensors"]


def previous_state(wildcards):
    """State at the end of the period before; the first of a split has none."""
    names = list(PERIODS[SPLIT_OF[wildcards.period]])
    number = names.index(wildcards.period)
    return (
        {"state": f"{RESULTS}/spectral/{names[number - 1]}.state.npz"} if number else {}
    )


def content_loss(content):
    """The encoder and the scale of a content loss, nothing for an error without an encoder."""
    if isinstance(content, str):
        return {}
    return {
        "encoder": encoder_file(content["encoder"]),
        "scale": f"{encoder_folder(content['encoder'])}/scale_{content['layer']}.json",
    }


def generator_weights(wildcards):
    """Weights of a trained model; the truth and the bilinear interpolation have none."""
    return (
        f"{RESULTS}/srgan/{wildcards.system}/weights"
        if wildcards.system in SRGAN
        else []
    )


def generator_settings(wildcards):
    """Settings of the generator, where there is one."""
    return config["srgan"]["generator"] if wildcards.system in SRGAN else None


def memory(gigabytes):
    """Memory of a job in megabytes, more with every attempt."""
    return lambda wildcards, attempt: 1000 * gigabytes * attempt


def minutes(count):
    """Time limit of a job, longer with every attempt."""
    return lambda wildcards, attempt: count * attempt
