# GRIB files that you have: linked, not copied, and checked like downloads. What only checks
# them, data.bounds, is no parameter.


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
    threads: 1
    resources:
        mem_mb=memory(1),
        runtime=minutes(60),
    params:
        period="{period}",
        step_hours=config["data"]["step_hours"],
        variables=config["data"]["variables"],
        level=config["data"]["level"],
        truncation=config["data"]["truncation"],
        pattern=lambda wildcards: config["data"]["files"]["pattern"],
    script:
        "../scripts/link_files.py"


# Surface pressure is optional here: without it the summary has no pressure of the level.
SURFACE_PRESSURE = []
