# AtmoDist: training, the choice of the best epoch, and where on the sphere it is sure.


rule train_atmodist:
    """Train a network to predict how many hours lie between two patches."""
    input:
        pairs=pair_files("train"),
    output:
        log=f"{RESULTS}/atmodist/{{model}}/training.csv",
        weights=directory(f"{RESULTS}/atmodist/{{model}}/weights"),
    log:
        f"{LOGS}/train_atmodist/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/train_atmodist/{{model}}.tsv"
    wildcard_constraints:
        model=any_of(TRAINED),
    conda:
        "../envs/train.yaml"
    threads: THREADS * DEVICES
    resources:
        **PROCESSORS,
        mem_mb=memory(16 + 16 * DEVICES),
        runtime=TRAINING_MINUTES,
    params:
        settings=lambda wildcards: ATMODIST[wildcards.model],
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        seed=config["seed"],
        model="{model}",
        numerics=NUMERICS,
        parts=PARTS,
    script:
        "../scripts/train_atmodist.py"


rule evaluate_atmodist:
    """Choose the best epoch, on the validation split if there is one, and evaluate it."""
    input:
        pairs=pair_files("eval"),
        validation=pair_files("validation") if "validation" in SPLITS else [],
        weights=f"{RESULTS}/atmodist/{{model}}/weights",
    output:
        evaluation=f"{RESULTS}/atmodist/{{model}}/evaluation.csv",
        confusion=f"{RESULTS}/atmodist/{{model}}/confusion.nc",
        predictions=f"{RESULTS}/atmodist/{{model}}/predictions.nc",
        best_info=f"{RESULTS}/atmodist/{{model}}/best.json",
        best=f"{RESULTS}/atmodist/{{model}}/best.pt",
    log:
        f"{LOGS}/evaluate_atmodist/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_atmodist/{{model}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(720),
        gpu=GPU,
    params:
        settings=lambda wildcards: ATMODIST[wildcards.model],
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        step_hours=config["data"]["step_hours"],
        numerics=NUMERICS,
    script:
        "../scripts/evaluate_atmodist.py"


rule map_uncertainty:
    """Map how well a network predicts one lag in windows that slide over whole fields."""
    input:
        fields=f"{RESULTS}/grid/eval.h5",
        periods=behind("eval"),
        encoder=f"{RESULTS}/atmodist/{{model}}/best.pt",
        moments=f"{RESULTS}/moments.json",
    output:
        maps=f"{RESULTS}/atmodist/{{model}}/uncertainty.nc",
    log:
        f"{LOGS}/map_uncertainty/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/map_uncertainty/{{model}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(720),
        gpu=GPU,
    params:
        **config["uncertainty"],
        seed=config["seed"],
        step_hours=config["data"]["step_hours"],
        numerics=NUMERICS,
    script:
        "../scripts/map_uncertainty.py"
