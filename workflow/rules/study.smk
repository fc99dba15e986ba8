# What is kept of a seed of the study, from which seeds made on different days and machines are compared.


rule collect_study:
    """Keep what comparisons over seeds need: small tables, no fields."""
    input:
        best=expand(f"{RESULTS}/atmodist/{{model}}/best.json", model=ATMODIST),
        predictions=expand(
            f"{RESULTS}/atmodist/{{model}}/predictions.nc", model=ATMODIST
        ),
        evaluation=expand(f"{RESULTS}/evaluation/{{system}}.nc", system=SYSTEMS),
        cities=expand(f"{RESULTS}/evaluation/{{system}}/cities.nc", system=SYSTEMS),
        curves=expand(f"{RESULTS}/srgan/{{model}}/training.csv", model=SRGAN),
    output:
        about=f"{RESULTS}/study/about.csv",
        draws=f"{RESULTS}/study/draws.csv",
        models=f"{RESULTS}/study/models.csv",
        duel=f"{RESULTS}/study/duel.csv",
        jobs=f"{RESULTS}/study/jobs.csv",
        spectra=f"{RESULTS}/study/spectra.csv",
    log:
        f"{LOGS}/collect_study.log",
    benchmark:
        f"{BENCHMARKS}/collect_study.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=memory(4),
        runtime=minutes(10),
    params:
        seed=config["seed"],
        block_days=config["evaluation"]["block_days"],
        resamples=config["evaluation"]["resamples"],
        truncation=config["data"]["truncation"],
        judge=REPRESENTATION["encoder"] if REPRESENTATION else "",
        systems=SYSTEMS,
        models=SRGAN,
        encoders=configuration.encoder_settings(config),
        settings=configuration.shared_settings(config),
    script:
        "../scripts/collect_study.py"
