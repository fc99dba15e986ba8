# The jet over a sector: its latitude and speed, and what representations say about them.

PROBE = config["jet"]["probe"]
# What the linear probe reads: the fields themselves, and an encoder at a layer.
PROBED = {
    "fields": None,
    **{f"{each['encoder']}_{each['layer']}": each for each in PROBE["encoders"]},
}

JET_FIGURES = ["jet_latitudes", "jet_series", "jet_probe"] if SECTORS else []


wildcard_constraints:
    sector=any_of(SECTORS),
    source=any_of(PROBED),


rule measure_jet_wind:
    """Average the zonal wind over a sector's longitudes, from spectral coefficients."""
    input:
        grib=f"{RESULTS}/spectral/{{period}}.grib",
        checksum=f"{RESULTS}/spectral/{{period}}.grib.sha256",
    output:
        wind=f"{RESULTS}/jet/{{sector}}/wind/{{period}}.nc",
    log:
        f"{LOGS}/measure_jet_wind/{{sector}}/{{period}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_jet_wind/{{sector}}/{{period}}.tsv"
    conda:
        "../envs/grid.yaml"
    resources:
        mem_mb=memory(2),
        runtime=minutes(60),
    params:
        box=lambda wildcards: SECTORS[wildcards.sector],
        sector="{sector}",
        period="{period}",
    script:
        "../scripts/measure_jet_wind.py"


rule index_jet:
    """Latitude and speed of the jet on every day, and their anomalies from the seasonal cycle."""
    input:
        winds=[
            f"{RESULTS}/jet/{{sector}}/wind/{period}.nc"
            for split in SPLITS
            for period in PERIODS[split]
        ],
    output:
        jet=f"{RESULTS}/jet/{{sector}}/index.nc",
    log:
        f"{LOGS}/index_jet/{{sector}}.log",
    benchmark:
        f"{BENCHMARKS}/index_jet/{{sector}}.tsv"
    conda:
        "../envs/grid.yaml"
    resources:
        mem_mb=memory(2),
        runtime=minutes(30),
    params:
        window_days=config["jet"]["window_days"],
        cutoff_days=config["jet"]["cutoff_days"],
        harmonics=config["jet"]["harmonics"],
    script:
        "../scripts/index_jet.py"


rule average_sector:
    """Average fields or their representations over a sector's longitudes, day by day."""
    input:
        fields=f"{RESULTS}/grid/{PROBE['split']}.h5",
        periods=behind(PROBE["split"]),
        moments=f"{RESULTS}/moments.json",
        encoder=lambda wildcards: (
            encoder_file(PROBED[wildcards.source]["encoder"])
            if PROBED[wildcards.source]
            else []
        ),
    output:
        features=f"{RESULTS}/jet/{{sector}}/features/{{source}}.nc",
    log:
        f"{LOGS}/average_sector/{{sector}}/{{source}}.log",
    benchmark:
        f"{BENCHMARKS}/average_sector/{{sector}}/{{source}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(16),
        runtime=minutes(720),
        gpu=lambda wildcards: GPU if PROBED[wildcards.source] else 0,
    params:
        box=lambda wildcards: SECTORS[wildcards.sector],
        source="{source}",
        layer=lambda wildcards: (PROBED[wildcards.source] or {}).get("layer"),
        hours=PROBE["hours"],
        step_hours=config["data"]["step_hours"],
        numerics=NUMERICS,
    script:
        "../scripts/average_sector.py"


rule probe_jet:
    """Predict the jet's anomalies from representations, by a ridge regression."""
    input:
        jet=f"{RESULTS}/jet/{{sector}}/index.nc",
        features=expand(
            f"{RESULTS}/jet/{{{{sector}}}}/features/{{source}}.nc", source=PROBED
        ),
    output:
        probe=f"{RESULTS}/jet/{{sector}}/probe.nc",
    log:
        f"{LOGS}/probe_jet/{{sector}}.log",
    benchmark:
        f"{BENCHMARKS}/probe_jet/{{sector}}.tsv"
    conda:
        "../envs/evaluate.yaml"
    resources:
        mem_mb=memory(8),
        runtime=minutes(120),
    params:
        **{
            key: PROBE[key]
            for key in ("lag_days", "folds", "gap_days", "components", "block_days")
        },
        resamples=config["evaluation"]["resamples"],
        seed=config["seed"],
    script:
        "../scripts/probe_jet.py"


rule figure_jet_latitudes:
    """Where the jet lies: the distribution of its latitude, by season."""
    input:
        indices=drawn(
            expand(f"{RESULTS}/jet/{{sector}}/index.nc", sector=SECTORS),
            "jet.sectors is empty",
        ),
    output:
        **picture("jet_latitudes", "Jet"),
    log:
        f"{LOGS}/figure_jet_latitudes.log",
    conda:
        "../envs/plot.yaml"
    params:
        sectors=list(SECTORS),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_jet_latitudes.py"


rule figure_jet_series:
    """Latitude and speed of the jet against time, and their seasonal cycle."""
    input:
        indices=drawn(
            expand(f"{RESULTS}/jet/{{sector}}/index.nc", sector=SECTORS),
            "jet.sectors is empty",
        ),
    output:
        **picture("jet_series", "Jet"),
    log:
        f"{LOGS}/figure_jet_series.log",
    conda:
        "../envs/plot.yaml"
    params:
        sectors=list(SECTORS),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_jet_series.py"


rule figure_jet_probe:
    """What representations say about the jet, some days ahead."""
    input:
        probes=drawn(
            expand(f"{RESULTS}/jet/{{sector}}/probe.nc", sector=SECTORS),
            "jet.sectors is empty",
        ),
    output:
        **picture("jet_probe", "Jet"),
    log:
        f"{LOGS}/figure_jet_probe.log",
    conda:
        "../envs/plot.yaml"
    params:
        sectors=list(SECTORS),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_jet_probe.py"
