# The synthetic atmosphere: each period continues from the state that the previous one left. And how it behaves.


SURFACE_PRESSURE = period_files(f"{RESULTS}/spectral/{{period}}.lnsp.grib", "train")


rule simulate_atmosphere:
    """Simulate a shallow-water atmosphere for a period."""
    input:
        unpack(previous_state),
    output:
        grib=f"{RESULTS}/spectral/{{period}}.grib",
        checksum=f"{RESULTS}/spectral/{{period}}.grib.sha256",
        surface=f"{RESULTS}/spectral/{{period}}.lnsp.grib",
        surface_checksum=f"{RESULTS}/spectral/{{period}}.lnsp.grib.sha256",
        state=f"{RESULTS}/spectral/{{period}}.state.npz",
    log:
        f"{LOGS}/simulate_atmosphere/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/simulate_atmosphere/{{period}}.tsv"
    conda:
        "../envs/grid.yaml"
    resources:
        mem_mb=memory(2),
        runtime=minutes(120),
    params:
        step_hours=config["data"]["step_hours"],
        truncation=config["data"]["truncation"],
        level=config["data"]["level"],
        variables=config["data"]["variables"],
        seed=config["seed"],
        chain=lambda wildcards: SPLIT_OF[wildcards.period],
        synthetic={
            key: value
            for key, value in config["data"]["synthetic"].items()
            if key != "period_days"
        },
    script:
        "../scripts/simulate_atmosphere.py"


rule diagnose_atmosphere:
    """Energy spectrum, memory and daily cycle of a split."""
    input:
        grib=lambda wildcards: period_files(
            f"{RESULTS}/spectral/{{period}}.grib", wildcards.split
        ),
        checksums=lambda wildcards: period_files(
            f"{RESULTS}/spectral/{{period}}.grib.sha256", wildcards.split
        ),
    output:
        diagnostics=f"{RESULTS}/diagnostics/{{split}}.nc",
    log:
        f"{LOGS}/diagnose_atmosphere/{{split}}.log",
    benchmark:
        f"{BENCHMARKS}/diagnose_atmosphere/{{split}}.tsv"
    conda:
        "../envs/grid.yaml"
    resources:
        mem_mb=memory(4),
        runtime=minutes(240),
    params:
        step_hours=config["data"]["step_hours"],
        periods=lambda wildcards: list(PERIODS[wildcards.split]),
    script:
        "../scripts/diagnose_atmosphere.py"


rule figure_synthetic_atmosphere:
    """Show that the synthetic atmosphere behaves like one."""
    input:
        diagnostics=f"{RESULTS}/diagnostics/train.nc",
    output:
        **picture("synthetic_atmosphere", "Data"),
    log:
        f"{LOGS}/figure_synthetic_atmosphere.log",
    conda:
        "../envs/plot.yaml"
    params:
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_synthetic_atmosphere.py"
