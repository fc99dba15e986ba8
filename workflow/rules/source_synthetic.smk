# The synthetic atmosphere: each period continues from the state that the previous one left.


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
