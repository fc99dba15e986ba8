# The autoencoder: the baseline for what AtmoDist's task adds. Its encoder is one of `encoders.smk`.

AUTOENCODER_FIGURES = ["autoencoder_curves", "reconstructions"] if AUTOENCODER else []


rule train_autoencoder:
    """Train an encoder and a decoder to reproduce patches."""
    input:
        pairs=pair_files("train"),
    output:
        log=f"{RESULTS}/autoencoder/{{model}}/training.csv",
        weights=directory(f"{RESULTS}/autoencoder/{{model}}/weights"),
    log:
        f"{LOGS}/train_autoencoder/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/train_autoencoder/{{model}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS * DEVICES
    resources:
        **PROCESSORS,
        mem_mb=memory(16 + 16 * DEVICES),
        runtime=TRAINING_MINUTES,
    params:
        settings=lambda wildcards: AUTOENCODER[wildcards.model],
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        seed=config["seed"],
        model="{model}",
        numerics=NUMERICS,
        parts=PARTS,
    script:
        "../scripts/train_autoencoder.py"


rule evaluate_autoencoder:
    """Choose the best epoch, on the validation split if there is one, and evaluate its reconstructions."""
    input:
        pairs=pair_files("eval"),
        validation=pair_files("validation") if "validation" in SPLITS else [],
        weights=f"{RESULTS}/autoencoder/{{model}}/weights",
        moments=f"{RESULTS}/moments.json",
    output:
        evaluation=f"{RESULTS}/autoencoder/{{model}}/evaluation.csv",
        errors=f"{RESULTS}/autoencoder/{{model}}/errors.nc",
        reconstructions=f"{RESULTS}/autoencoder/{{model}}/reconstructions.nc",
        best_info=f"{RESULTS}/autoencoder/{{model}}/best.json",
        best=f"{RESULTS}/autoencoder/{{model}}/best.pt",
    log:
        f"{LOGS}/evaluate_autoencoder/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_autoencoder/{{model}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(720),
        gpu=GPU,
    params:
        settings=lambda wildcards: AUTOENCODER[wildcards.model],
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        numerics=NUMERICS,
    script:
        "../scripts/evaluate_autoencoder.py"


rule figure_autoencoder_curves:
    """Squared error of the autoencoder's reconstructions against epoch."""
    input:
        logs=drawn(
            expand(f"{RESULTS}/autoencoder/{{model}}/training.csv", model=AUTOENCODER),
            "autoencoder.models is empty",
        ),
        evaluations=expand(
            f"{RESULTS}/autoencoder/{{model}}/evaluation.csv", model=AUTOENCODER
        ),
    output:
        **picture("autoencoder_curves", "Autoencoder"),
    log:
        f"{LOGS}/figure_autoencoder_curves.log",
    conda:
        "../envs/plot.yaml"
    params:
        models=list(AUTOENCODER),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_autoencoder_curves.py"


rule figure_reconstructions:
    """Patches, what the autoencoder makes of them, and the spectra of both."""
    input:
        reconstructions=drawn(
            expand(
                f"{RESULTS}/autoencoder/{{model}}/reconstructions.nc",
                model=AUTOENCODER,
            ),
            "autoencoder.models is empty",
        ),
    output:
        **picture("reconstructions", "Autoencoder"),
    log:
        f"{LOGS}/figure_reconstructions.log",
    conda:
        "../envs/plot.yaml"
    params:
        models=list(AUTOENCODER),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_reconstructions.py"
