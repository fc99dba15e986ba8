# GRIB files that you have, checked like downloads: linked where a file is that of a period, else copied from. What
# only checks them is no parameter.


rule link_files:
    """Link the file of one period, validated on arrival."""
    output:
        grib=f"{RESULTS}/spectral/{{period}}.grib",
        checksum=f"{RESULTS}/spectral/{{period}}.grib.sha256",
    log:
        f"{LOGS}/link_files/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/link_files/{{period}}.tsv"
    conda:
        "../envs/download.yaml"
    resources:
        mem_mb=memory(1),
        runtime=minutes(60),
    params:
        **ASKED,
        pattern=lambda wildcards: config["data"]["files"]["pattern"],
    script:
        "../scripts/link_files.py"


rule link_surface_pressure:
    """Link the logarithm of surface pressure of one period, once a day."""
    output:
        grib=f"{RESULTS}/surface/{{period}}.grib",
        checksum=f"{RESULTS}/surface/{{period}}.grib.sha256",
    log:
        f"{LOGS}/link_surface_pressure/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/link_surface_pressure/{{period}}.tsv"
    conda:
        "../envs/download.yaml"
    resources:
        mem_mb=memory(1),
        runtime=minutes(60),
    params:
        **ASKED_OF_SURFACE,
        pattern=lambda wildcards: config["data"]["files"]["surface_pattern"],
    script:
        "../scripts/link_files.py"


# Surface pressure is optional here: without it the summary has no pressure of the level.
SURFACE_PRESSURE = (
    period_files(f"{RESULTS}/surface/{{period}}.grib", "train")
    if config["data"]["files"].get("surface_pattern")
    else []
)
