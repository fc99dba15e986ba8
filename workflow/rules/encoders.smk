# Encoders of any origin under one name: {section}/{encoder}/best.pt, its content loss, what it makes of fields.


rule initialise_encoder:
    """An encoder with random weights, the control: what does training add to the architecture?"""
    input:
        pairs=pair_files("train"),
    output:
        best=f"{RESULTS}/untrained/{{encoder}}/best.pt",
    log:
        f"{LOGS}/initialise_encoder/{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/initialise_encoder/{{encoder}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(60),
        gpu=GPU,
    params:
        settings=lambda wildcards: UNTRAINED[wildcards.encoder],
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        seed=config["seed"],
        encoder="{encoder}",
        numerics=NUMERICS,
    script:
        "../scripts/initialise_encoder.py"


rule measure_lag_losses:
    """Measure the content loss of every layer, and other distances, against lag."""
    input:
        pairs=lambda wildcards: pair_files(wildcards.split),
        encoder=f"{RESULTS}/{{section}}/{{encoder}}/best.pt",
        moments=f"{RESULTS}/moments.json",
    output:
        losses=expand(
            f"{RESULTS}/{{{{section}}}}/{{{{encoder}}}}/lag_losses_{{{{split}}}}_{{layer}}.nc",
            layer=LAYERS,
        ),
    log:
        f"{LOGS}/measure_lag_losses/{{section}}/{{encoder}}_{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_lag_losses/{{section}}/{{encoder}}_{{split}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(720),
        gpu=GPU,
    params:
        encoder="{encoder}",
        split="{split}",
        layers=LAYERS,
        batches=config["calibration"]["batches"],
        step_hours=config["data"]["step_hours"],
        numerics=NUMERICS,
    script:
        "../scripts/measure_lag_losses.py"


rule calibrate_content_loss:
    """Scale content losses to the mean squared error, on training pairs: no evaluation split enters a training run."""
    input:
        losses=expand(
            f"{RESULTS}/{{{{section}}}}/{{{{encoder}}}}/lag_losses_train_{{layer}}.nc",
            layer=LAYERS,
        ),
    output:
        scales=expand(
            f"{RESULTS}/{{{{section}}}}/{{{{encoder}}}}/scale_{{layer}}.json",
            layer=LAYERS,
        ),
    log:
        f"{LOGS}/calibrate_content_loss/{{section}}/{{encoder}}.log",
    benchmark:
        f"{BENCHMARKS}/calibrate_content_loss/{{section}}/{{encoder}}.tsv"
    conda:
        "../envs/train.yaml"
    resources:
        mem_mb=memory(1),
        runtime=minutes(10),
    params:
        encoder="{encoder}",
        layers=LAYERS,
    script:
        "../scripts/calibrate_content_loss.py"


rule export_representations:
    """Write what a layer of an encoder makes of the whole fields of some days."""
    input:
        fields=f"{RESULTS}/grid/eval.h5",
        periods=behind("eval"),
        encoder=f"{RESULTS}/{{section}}/{{encoder}}/best.pt",
        moments=f"{RESULTS}/moments.json",
    output:
        representations=f"{RESULTS}/{{section}}/{{encoder}}/representations/{{layer}}/{{days}}.nc",
    log:
        f"{LOGS}/export_representations/{{section}}/{{encoder}}/{{layer}}/{{days}}.log",
    benchmark:
        f"{BENCHMARKS}/export_representations/{{section}}/{{encoder}}/{{layer}}/{{days}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(240),
        gpu=GPU,
    params:
        encoder="{encoder}",
        layer="{layer}",
        shard="{days}",
        step_hours=config["data"]["step_hours"],
        numerics=NUMERICS,
    script:
        "../scripts/export_representations.py"
