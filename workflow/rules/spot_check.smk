# Whether two archives hold the same: a handful of times from both. Not part of all.

ADDRESSES = {
    "arco": ["wind"],
    "era5": ["dataset", "request"],
    "files": ["pattern"],
}


rule spot_check:
    """Compare a few times of the configured source with another archive."""
    output:
        table=f"{RESULTS}/spot_check.csv",
    log:
        f"{LOGS}/spot_check.log",
    benchmark:
        f"{BENCHMARKS}/spot_check.tsv"
    conda:
        "../envs/download.yaml"
    resources:
        mem_mb=memory(1 + config["data"]["spot_check"]["times"] // 100),
        runtime=minutes(2880),
        cds_requests=1,
    params:
        **{key: ASKED[key] for key in ("variables", "level", "archive_truncation")},
        days=[
            [config["data"][split][key] for key in ("start", "end")]
            for split in SPLITS
        ],
        source=SOURCE,
        against=other_archive,
        times=config["data"]["spot_check"]["times"],
        addresses=[
            {
                key: config["data"][configuration.DESCRIBED_IN[source]][key]
                for key in keys
            }
            for source, keys in ADDRESSES.items()
            if source in (SOURCE, config["data"]["spot_check"]["against"])
        ],
    script:
        "../scripts/spot_check.py"
