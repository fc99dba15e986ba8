# Inpainting: the autoencoder's network fills a square, with either loss, beside a membrane over it.

# What fills the square: the solution of Laplace's equation, and each trained network.
FILLS = ["laplace", *INPAINTING] if INPAINTING else []
INPAINTING_FIGURES = (
    ["inpainting_curves", "inpainting", "inpainting_scores"] if INPAINTING else []
)


wildcard_constraints:
    fill=any_of(FILLS),


rule train_inpainting:
    """Train a network to fill the square that is erased from its input."""
    input:
        unpack(lambda wildcards: content_loss(INPAINTING[wildcards.model]["content"])),
        pairs=pair_files("train"),
    output:
        log=f"{RESULTS}/inpainting/{{model}}/training.csv",
        weights=directory(f"{RESULTS}/inpainting/{{model}}/weights"),
    log:
        f"{LOGS}/train_inpainting/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/train_inpainting/{{model}}.tsv"
    conda:
        "../envs/train.yaml"
    threads: THREADS * DEVICES
    resources:
        **PROCESSORS,
        mem_mb=memory(16 + 16 * DEVICES),
        runtime=TRAINING_MINUTES,
    params:
        settings=lambda wildcards: INPAINTING[wildcards.model],
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        seed=config["seed"],
        model="{model}",
        numerics=NUMERICS,
        parts=PARTS,
    script:
        "../scripts/train_inpainting.py"


rule evaluate_inpainting:
    """Score filled squares: their values, gradients and spectra, and how they meet their surroundings."""
    input:
        pairs=pair_files("eval"),
        weights=lambda wildcards: (
            f"{RESULTS}/inpainting/{wildcards.fill}/weights"
            if wildcards.fill in INPAINTING
            else []
        ),
        moments=f"{RESULTS}/moments.json",
    output:
        scores=f"{RESULTS}/inpainting/{{fill}}/scores.nc",
    log:
        f"{LOGS}/evaluate_inpainting/{{fill}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_inpainting/{{fill}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(720),
        gpu=lambda wildcards: GPU if wildcards.fill in INPAINTING else 0,
    params:
        fill="{fill}",
        settings=lambda wildcards: INPAINTING.get(wildcards.fill),
        batch_size=config["inpainting"]["defaults"]["batch_size"],
        patch=config["pairs"]["patch"],
        variables=config["data"]["variables"],
        numerics=NUMERICS,
    script:
        "../scripts/evaluate_inpainting.py"


rule figure_inpainting_curves:
    """Squared error in the square and content loss against epoch."""
    input:
        logs=drawn(
            expand(f"{RESULTS}/inpainting/{{model}}/training.csv", model=INPAINTING),
            "inpainting.models is empty",
        ),
    output:
        **picture("inpainting_curves", "Inpainting"),
    log:
        f"{LOGS}/figure_inpainting_curves.log",
    conda:
        "../envs/plot.yaml"
    params:
        models=list(INPAINTING),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_inpainting_curves.py"


rule figure_inpainting:
    """Patches with a square that each loss has filled, beside the truth and a membrane."""
    input:
        scores=drawn(
            expand(f"{RESULTS}/inpainting/{{fill}}/scores.nc", fill=FILLS),
            "inpainting.models is empty",
        ),
    output:
        **picture("inpainting", "Inpainting"),
    log:
        f"{LOGS}/figure_inpainting.log",
    conda:
        "../envs/plot.yaml"
    params:
        fills=FILLS,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_inpainting.py"


rule figure_inpainting_scores:
    """Error, gradient, edge and spectrum of the filled squares."""
    input:
        summary=f"{RESULTS}/summary.nc",
        scores=drawn(
            expand(f"{RESULTS}/inpainting/{{fill}}/scores.nc", fill=FILLS),
            "inpainting.models is empty",
        ),
    output:
        **picture("inpainting_scores", "Inpainting"),
    log:
        f"{LOGS}/figure_inpainting_scores.log",
    conda:
        "../envs/plot.yaml"
    params:
        fills=FILLS,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_inpainting_scores.py"
