# Spectral coefficients to the grid, its statistics, and the samples cut from it.


rule grid_fields:
    """Put one period of spectral coefficients on the grid."""
    input:
        grib=f"{RESULTS}/spectral/{{period}}.grib",
        checksum=f"{RESULTS}/spectral/{{period}}.grib.sha256",
    output:
        fields=gridded(f"{RESULTS}/grid/{{period}}.h5"),
    log:
        f"{LOGS}/grid_fields/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/grid_fields/{{period}}.tsv"
    conda:
        "../envs/grid.yaml"
    resources:
        mem_mb=memory(2),
        runtime=minutes(30),
    params:
        step_hours=config["data"]["step_hours"],
        truncation=config["data"]["truncation"],
        level=config["data"]["level"],
        variables=config["data"]["variables"],
        chunk=config["grid"]["chunk"],
        mantissa_bits=config["grid"]["mantissa_bits"],
    script:
        "../scripts/grid_fields.py"


rule virtual_dataset:
    """Stitch the periods of a split into one virtual data set."""
    input:
        fields=lambda wildcards: period_files(
            f"{RESULTS}/grid/{{period}}.h5", wildcards.split
        ),
    output:
        fields=gridded(f"{RESULTS}/grid/{{split}}.h5"),
    log:
        f"{LOGS}/virtual_dataset/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/virtual_dataset/{{split}}.tsv"
    conda:
        "../envs/grid.yaml"
    resources:
        mem_mb=memory(1),
        runtime=minutes(10),
    script:
        "../scripts/virtual_dataset.py"


rule compute_moments:
    """Measure the moments of the normalisation on the training split."""
    input:
        fields=f"{RESULTS}/grid/train.h5",
        periods=behind("train"),
    output:
        moments=f"{RESULTS}/moments.json",
    log:
        f"{LOGS}/compute_moments.log",
    benchmark:
        f"{BENCHMARKS}/compute_moments.tsv"
    conda:
        "../envs/sample.yaml"
    threads: 4
    resources:
        mem_mb=memory(8),
        runtime=minutes(720),
    params:
        alpha=config["normalisation"]["alpha"],
    script:
        "../scripts/compute_moments.py"


rule sample_pairs:
    """Cut one shard of pairs of patches for AtmoDist."""
    input:
        fields=f"{RESULTS}/grid/{{split}}.h5",
        periods=lambda wildcards: behind(wildcards.split),
        moments=f"{RESULTS}/moments.json",
    output:
        shard=f"{RESULTS}/pairs/{{split}}/{{shard}}.h5",
    log:
        f"{LOGS}/sample_pairs/{{split}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_pairs/{{split}}/{{shard}}.tsv"
    conda:
        "../envs/sample.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(120),
    params:
        **config["pairs"],
        seed=config["seed"],
        split="{split}",
        shard="{shard}",
        latitude=config["windows"]["latitude"],
    script:
        "../scripts/sample_pairs.py"


rule sample_patches:
    """Cut one shard of patches for super-resolution."""
    input:
        fields=f"{RESULTS}/grid/{{split}}.h5",
        periods=lambda wildcards: behind(wildcards.split),
        moments=f"{RESULTS}/moments.json",
    output:
        shard=f"{RESULTS}/patches/{{split}}/{{shard}}.h5",
    log:
        f"{LOGS}/sample_patches/{{split}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/sample_patches/{{split}}/{{shard}}.tsv"
    conda:
        "../envs/sample.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(120),
    params:
        **config["patches"],
        seed=config["seed"],
        split="{split}",
        shard="{shard}",
        latitude=config["windows"]["latitude"],
    script:
        "../scripts/sample_patches.py"


rule level_pressure:
    """Measure the pressure of the model level."""
    input:
        surface=SURFACE_PRESSURE,
        checksums=[f"{path}.sha256" for path in SURFACE_PRESSURE],
        coefficients=bundled("levels/l137.csv"),
    output:
        pressure=f"{RESULTS}/level_pressure.json",
        series=f"{RESULTS}/level_pressure.nc",
    log:
        f"{LOGS}/level_pressure.log",
    benchmark:
        f"{BENCHMARKS}/level_pressure.tsv"
    conda:
        "../envs/grid.yaml"
    resources:
        mem_mb=memory(2),
        runtime=minutes(60),
    params:
        level=config["data"]["level"],
    script:
        "../scripts/level_pressure.py"


rule histogram_fields:
    """Histograms of the fields before and after the log transform."""
    input:
        fields=f"{RESULTS}/grid/train.h5",
        periods=behind("train"),
        moments=f"{RESULTS}/moments.json",
    output:
        histograms=f"{RESULTS}/histograms.nc",
    log:
        f"{LOGS}/histogram_fields.log",
    benchmark:
        f"{BENCHMARKS}/histogram_fields.tsv"
    conda:
        "../envs/sample.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(30),
    params:
        seed=config["seed"],
    script:
        "../scripts/histogram_fields.py"


rule snapshot_fields:
    """Global fields at one moment."""
    input:
        fields=f"{RESULTS}/grid/eval.h5",
        periods=behind("eval"),
    output:
        snapshot=f"{RESULTS}/snapshot.nc",
    log:
        f"{LOGS}/snapshot_fields.log",
    benchmark:
        f"{BENCHMARKS}/snapshot_fields.tsv"
    conda:
        "../envs/sample.yaml"
    resources:
        mem_mb=memory(2),
        runtime=minutes(10),
    params:
        time=config["figures"]["time"],
    script:
        "../scripts/snapshot_fields.py"
