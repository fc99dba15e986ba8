# ERA5 from ECMWF's archive: one request for each month of fields and one for its surface pressure.
# What only checks a file, data.bounds, and how long to wait for it are no parameters: to change them must not
# download again what was accepted.


rule download_era5:
    """Download one period of spectral coefficients, validated on arrival."""
    output:
        grib=f"{RESULTS}/spectral/{{period}}.grib",
        checksum=f"{RESULTS}/spectral/{{period}}.grib.sha256",
    log:
        f"{LOGS}/download_era5/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/download_era5/{{period}}.tsv"
    conda:
        "../envs/download.yaml"
    resources:
        mem_mb=1000,
        cds_requests=1,
    params:
        **ASKED,
        dataset=config["data"]["download"]["dataset"],
        request=config["data"]["download"]["request"],
    script:
        "../scripts/download_era5.py"


rule download_surface_pressure:
    """Download the logarithm of surface pressure once a day for a month."""
    input:
        # A month lies on one tape: asked for as soon as its fields have come, it is still at hand.
        fields=ancient(f"{RESULTS}/spectral/{{period}}.grib"),
    output:
        grib=f"{RESULTS}/surface/{{period}}.grib",
        checksum=f"{RESULTS}/surface/{{period}}.grib.sha256",
    log:
        f"{LOGS}/download_surface_pressure/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/download_surface_pressure/{{period}}.tsv"
    priority: 1
    conda:
        "../envs/download.yaml"
    resources:
        mem_mb=1000,
        cds_requests=1,
    params:
        **ASKED_OF_SURFACE,
        dataset=config["data"]["download"]["dataset"],
        request=config["data"]["download"]["request"],
    script:
        "../scripts/download_era5.py"


SURFACE_PRESSURE = period_files(f"{RESULTS}/surface/{{period}}.grib", "train")
