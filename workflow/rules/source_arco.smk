# ERA5 from its public copy in the cloud. Every job has many objects on their way at once. What only checks a
# field, and how its download goes about it, are no parameters: to change them must not download again.


rule download_arco:
    """Download one period of spectral coefficients, validated on arrival."""
    output:
        grib=f"{RESULTS}/spectral/{{period}}.grib",
        checksum=f"{RESULTS}/spectral/{{period}}.grib.sha256",
    log:
        f"{LOGS}/download_arco/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/download_arco/{{period}}.tsv"
    conda:
        "../envs/download.yaml"
    threads: 2
    resources:
        mem_mb=memory(1),
        runtime=minutes(720),
    params:
        **ASKED,
        address=config["data"]["arco"]["wind"],
    script:
        "../scripts/download_arco.py"


rule download_surface_pressure:
    """Download the logarithm of surface pressure once a day for a month."""
    output:
        grib=f"{RESULTS}/surface/{{period}}.grib",
        checksum=f"{RESULTS}/surface/{{period}}.grib.sha256",
    log:
        f"{LOGS}/download_surface_pressure/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/download_surface_pressure/{{period}}.tsv"
    conda:
        "../envs/download.yaml"
    resources:
        mem_mb=memory(1),
        runtime=minutes(720),
    params:
        **ASKED_OF_SURFACE,
        address=config["data"]["arco"]["surface"],
    script:
        "../scripts/download_arco.py"


SURFACE_PRESSURE = period_files(f"{RESULTS}/surface/{{period}}.grib", "train")
