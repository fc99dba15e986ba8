# Super-resolved global fields against the truth, in shards of days that merge exactly.

REPRESENTATION = config["evaluation"]["representation"]
EVALUATION_SHARDS = [period.name for period in configuration.evaluation_shards(config)]
CITIES = bundled("cities/cities.csv")
# What the other systems are compared with at the cities.
REFERENCES = [
    "bilinear",
    *(system for system, model in SRGAN.items() if model["content"] == "mse"),
]


rule evaluate_srgan:
    """Super-resolve a shard of the evaluation split and measure it."""
    input:
        weights=generator_weights,
        encoder=encoder_file(REPRESENTATION["encoder"]) if REPRESENTATION else [],
        fields=f"{RESULTS}/grid/eval.h5",
        periods=behind("eval"),
        moments=f"{RESULTS}/moments.json",
        cities=CITIES,
    output:
        metrics=f"{RESULTS}/evaluation/{{system}}/{{days}}.nc",
        cities=f"{RESULTS}/evaluation/{{system}}/cities/{{days}}.nc",
    log:
        f"{LOGS}/evaluate_srgan/{{system}}/{{days}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_srgan/{{system}}/{{days}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(240),
        gpu=lambda wildcards: GPU if wildcards.system in SRGAN else 0,
    params:
        system="{system}",
        shard="{days}",
        seed=config["seed"],
        block_days=config["evaluation"]["block_days"],
        winds=config["evaluation"]["winds"],
        layer=REPRESENTATION["layer"] if REPRESENTATION else None,
        step_hours=config["data"]["step_hours"],
        generator=generator_settings,
        epoch=lambda wildcards: SRGAN.get(wildcards.system, {}).get("evaluate_epoch"),
        variables=config["data"]["variables"],
        numerics=NUMERICS,
    script:
        "../scripts/evaluate_srgan.py"


rule merge_evaluation:
    """Put the shards of a system together."""
    input:
        shards=expand(
            f"{RESULTS}/evaluation/{{{{system}}}}/{{days}}.nc",
            days=EVALUATION_SHARDS,
        ),
    output:
        metrics=f"{RESULTS}/evaluation/{{system}}.nc",
    log:
        f"{LOGS}/merge_evaluation/{{system}}.log",
    benchmark:
        f"{BENCHMARKS}/merge_evaluation/{{system}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(10),
    script:
        "../scripts/merge_evaluation.py"


rule compare_cities:
    """Compare local distributions at cities with the truth."""
    input:
        truth=expand(
            f"{RESULTS}/evaluation/truth/cities/{{days}}.nc",
            days=EVALUATION_SHARDS,
        ),
        estimate=expand(
            f"{RESULTS}/evaluation/{{{{system}}}}/cities/{{days}}.nc",
            days=EVALUATION_SHARDS,
        ),
        cities=CITIES,
    output:
        cities=f"{RESULTS}/evaluation/{{system}}/cities.nc",
    log:
        f"{LOGS}/compare_cities/{{system}}.log",
    benchmark:
        f"{BENCHMARKS}/compare_cities/{{system}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    resources:
        mem_mb=memory(2),
        runtime=minutes(60),
    params:
        seed=config["seed"],
        block_days=config["evaluation"]["block_days"],
        resamples=config["evaluation"]["resamples"],
    script:
        "../scripts/compare_cities.py"


rule map_regions:
    """Super-resolve the regions of the maps at one moment."""
    input:
        weights=generator_weights,
        fields=f"{RESULTS}/grid/eval.h5",
        periods=behind("eval"),
        moments=f"{RESULTS}/moments.json",
    output:
        maps=f"{RESULTS}/evaluation/{{system}}/maps.nc",
    log:
        f"{LOGS}/map_regions/{{system}}.log",
    benchmark:
        f"{BENCHMARKS}/map_regions/{{system}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(30),
    params:
        system="{system}",
        time=config["figures"]["time"],
        high_pass_degree=config["figures"]["high_pass_degree"],
        regions={
            region: {axis: box[axis] for axis in ("latitude", "longitude")}
            for region, box in config["figures"]["regions"].items()
        },
        generator=generator_settings,
        epoch=lambda wildcards: SRGAN.get(wildcards.system, {}).get("evaluate_epoch"),
        variables=config["data"]["variables"],
        numerics=NUMERICS,
    script:
        "../scripts/map_regions.py"


rule map_moments:
    """Mean, deviation and error over time at every point."""
    input:
        evaluation=f"{RESULTS}/evaluation/{{system}}.nc",
    output:
        moments=f"{RESULTS}/evaluation/{{system}}/moments.nc",
    log:
        f"{LOGS}/map_moments/{{system}}.log",
    benchmark:
        f"{BENCHMARKS}/map_moments/{{system}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(10),
    script:
        "../scripts/map_moments.py"


rule measure_orderings:
    """Let every distance order states whose order is known."""
    input:
        fields=f"{RESULTS}/grid/eval.h5",
        periods=behind("eval"),
        moments=f"{RESULTS}/moments.json",
        encoders=[encoder_file(encoder) for encoder in ENCODERS],
    output:
        sums=f"{RESULTS}/evaluation/orderings.nc",
        scores=f"{RESULTS}/evaluation/orderings.csv",
    log:
        f"{LOGS}/measure_orderings.log",
    benchmark:
        f"{BENCHMARKS}/measure_orderings.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(240),
        gpu=GPU,
    params:
        **config["orderings"],
        encoders=list(ENCODERS),
        patch=config["pairs"]["patch"],
        latitude=config["windows"]["latitude"],
        block_days=config["evaluation"]["block_days"],
        resamples=config["evaluation"]["resamples"],
        seed=config["seed"],
        numerics=NUMERICS,
    script:
        "../scripts/measure_orderings.py"


rule summary:
    """One row for each number that matters."""
    input:
        best=expand(f"{RESULTS}/atmodist/{{model}}/best.json", model=ATMODIST),
        predictions=expand(
            f"{RESULTS}/atmodist/{{model}}/predictions.nc", model=ATMODIST
        ),
        losses=lag_losses("train"),
        evaluation=expand(f"{RESULTS}/evaluation/{{system}}.nc", system=SYSTEMS),
        cities=expand(f"{RESULTS}/evaluation/{{system}}/cities.nc", system=SYSTEMS),
        pressure=[f"{RESULTS}/level_pressure.nc"] if SURFACE_PRESSURE else [],
        reconstructions=expand(
            f"{RESULTS}/autoencoder/{{model}}/errors.nc", model=AUTOENCODER
        ),
        fills=expand(f"{RESULTS}/inpainting/{{fill}}/scores.nc", fill=FILLS),
        jets=expand(f"{RESULTS}/jet/{{sector}}/index.nc", sector=SECTORS),
        probes=expand(f"{RESULTS}/jet/{{sector}}/probe.nc", sector=SECTORS),
    output:
        summary=report(
            f"{RESULTS}/summary.csv",
            caption="../report/summary.rst",
            category="Numbers",
        ),
        netcdf=f"{RESULTS}/summary.nc",
    log:
        f"{LOGS}/summary.log",
    benchmark:
        f"{BENCHMARKS}/summary.tsv"
    conda:
        "../envs/evaluate.yaml"
    resources:
        mem_mb=memory(8),
        runtime=minutes(10),
    params:
        config_name=config["name"],
        truncation=config["data"]["truncation"],
        seed=config["seed"],
        block_days=config["evaluation"]["block_days"],
        resamples=config["evaluation"]["resamples"],
        systems=SYSTEMS,
        references=REFERENCES,
        jet_block_days=config["jet"]["probe"]["block_days"],
    script:
        "../scripts/summary.py"


rule summary_table:
    """The summary as a page to read."""
    input:
        summary=f"{RESULTS}/summary.csv",
    output:
        table=report(
            f"{RESULTS}/summary.html",
            caption="../report/summary.rst",
            category="Numbers",
        ),
    log:
        f"{LOGS}/summary_table.log",
    conda:
        "../envs/plot.yaml"
    script:
        "../scripts/summary_table.py"
