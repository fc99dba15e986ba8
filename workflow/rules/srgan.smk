# Super-resolution: the generator alone, then against a discriminator.


rule pretrain_generator:
    """Train the generator alone with the mean squared error."""
    input:
        patches=patch_files("train"),
    output:
        log=f"{RESULTS}/srgan/pretraining/training.csv",
        generator=f"{RESULTS}/srgan/pretraining/generator.pt",
    log:
        f"{LOGS}/pretrain_generator.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_generator.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS * DEVICES
    resources:
        **PROCESSORS,
        mem_mb=memory(16 + 16 * DEVICES),
        runtime=TRAINING_MINUTES,
    params:
        generator=config["srgan"]["generator"],
        settings=config["srgan"]["pretraining"],
        batch_size=config["srgan"]["defaults"]["batch_size"],
        patch=config["patches"]["patch"],
        variables=config["data"]["variables"],
        seed=config["seed"],
        numerics=NUMERICS,
        parts=PARTS,
    script:
        "../scripts/pretrain_generator.py"


rule train_srgan:
    """Train generator and discriminator against each other."""
    input:
        unpack(lambda wildcards: content_loss(SRGAN[wildcards.model]["content"])),
        patches=patch_files("train"),
        generator=f"{RESULTS}/srgan/pretraining/generator.pt",
    output:
        log=f"{RESULTS}/srgan/{{model}}/training.csv",
        weights=directory(f"{RESULTS}/srgan/{{model}}/weights"),
    log:
        f"{LOGS}/train_srgan/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/train_srgan/{{model}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS * DEVICES
    resources:
        **PROCESSORS,
        mem_mb=memory(16 + 16 * DEVICES),
        runtime=TRAINING_MINUTES,
    params:
        generator=config["srgan"]["generator"],
        settings=lambda wildcards: {
            key: value
            for key, value in SRGAN[wildcards.model].items()
            if key != "evaluate_epoch"
        },
        patch=config["patches"]["patch"],
        variables=config["data"]["variables"],
        seed=config["seed"],
        model="{model}",
        numerics=NUMERICS,
        parts=PARTS,
    script:
        "../scripts/train_srgan.py"
