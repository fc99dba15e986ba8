# Model folders: every trained network with all that is needed to use it elsewhere; and networks from elsewhere.

# What a network's input must be like.
TRAINED_ON = {
    "level": (
        f"model level {config['data']['level']}"
        if SOURCE != "synthetic"
        else "the one layer of the synthetic atmosphere"
    ),
    "grid_spacing": 180 / configuration.grid_rows(config),
    "step_hours": config["data"]["step_hours"],
    "latitude": config["windows"]["latitude"],
}


rule import_atmodist:
    """Take trained weights in place of a training run."""
    input:
        weights=imported_weights,
    output:
        weights=directory(f"{RESULTS}/atmodist/{{model}}/weights"),
    log:
        f"{LOGS}/import_atmodist/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/import_atmodist/{{model}}.tsv"
    wildcard_constraints:
        model=any_of(IMPORTED),
    # Before any download, if what it takes does not fit.
    priority: 1
    conda:
        "../envs/models.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(10),
    params:
        settings=lambda wildcards: {
            key: ATMODIST[wildcards.model][key]
            for key in ("classes", "stages", "blocks", "weights")
        },
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        model="{model}",
        grid_spacing=TRAINED_ON["grid_spacing"],
        step_hours=TRAINED_ON["step_hours"],
        alpha=config["normalisation"]["alpha"],
    script:
        "../scripts/import_atmodist.py"


rule export_atmodist:
    """Write the model folder of an AtmoDist network."""
    input:
        network=f"{RESULTS}/atmodist/{{model}}/best.pt",
        best_info=f"{RESULTS}/atmodist/{{model}}/best.json",
        confusion=f"{RESULTS}/atmodist/{{model}}/confusion.nc",
        losses=expand(
            f"{RESULTS}/atmodist/{{{{model}}}}/lag_losses_train_{{layer}}.nc",
            layer=LAYERS,
        ),
        scales=expand(
            f"{RESULTS}/atmodist/{{{{model}}}}/scale_{{layer}}.json", layer=LAYERS
        ),
        moments=f"{RESULTS}/moments.json",
    output:
        folder=directory(f"{RESULTS}/models/atmodist/{{model}}"),
    log:
        f"{LOGS}/export_atmodist/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/export_atmodist/{{model}}.tsv"
    conda:
        "../envs/models.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(10),
    params:
        trained_on=TRAINED_ON,
        model="{model}",
    script:
        "../scripts/export_atmodist.py"


rule export_encoder:
    """Write the model folder of another encoder: an autoencoder's, or one with random weights."""
    input:
        encoder=f"{RESULTS}/{{section}}/{{encoder}}/best.pt",
        losses=expand(
            f"{RESULTS}/{{{{section}}}}/{{{{encoder}}}}/lag_losses_train_{{layer}}.nc",
            layer=LAYERS,
        ),
        scales=expand(
            f"{RESULTS}/{{{{section}}}}/{{{{encoder}}}}/scale_{{layer}}.json",
            layer=LAYERS,
        ),
        moments=f"{RESULTS}/moments.json",
    output:
        folder=directory(f"{RESULTS}/models/{{section}}/{{encoder}}"),
    log:
        f"{LOGS}/export_encoder/{{section}}/{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/export_encoder/{{section}}/{{encoder}}.tsv"
    wildcard_constraints:
        section="autoencoder|untrained",
    conda:
        "../envs/models.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(10),
    params:
        trained_on=TRAINED_ON,
        encoder="{encoder}",
        weights_from=lambda wildcards: (
            "an autoencoder"
            if wildcards.section == "autoencoder"
            else "a random draw, no training"
        ),
    script:
        "../scripts/export_encoder.py"


rule export_generator:
    """Write the model folder of a super-resolution generator."""
    input:
        weights=f"{RESULTS}/srgan/{{model}}/weights",
        moments=f"{RESULTS}/moments.json",
        summary=f"{RESULTS}/summary.csv",
        spectrum=f"{FIGURES}/energy_spectrum.png" if WIND else [],
    output:
        folder=directory(f"{RESULTS}/models/srgan/{{model}}"),
    log:
        f"{LOGS}/export_generator/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/export_generator/{{model}}.tsv"
    conda:
        "../envs/models.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(10),
    params:
        trained_on=TRAINED_ON,
        model="{model}",
        generator=config["srgan"]["generator"],
        epoch=lambda wildcards: SRGAN[wildcards.model]["evaluate_epoch"],
        content=lambda wildcards: SRGAN[wildcards.model]["content"],
    script:
        "../scripts/export_generator.py"


rule models:
    """A self-contained folder for each encoder and each generator."""
    input:
        expand(rules.export_atmodist.output.folder, model=ATMODIST),
        expand(rules.export_generator.output.folder, model=SRGAN),
        [
            f"{RESULTS}/models/{section}/{encoder}"
            for encoder, section in ENCODERS.items()
            if section != "atmodist"
        ],
