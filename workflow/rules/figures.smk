# The figures: small files in, PDF and PNG out. A plot setting re-plots and does nothing else.
# Coastlines belong on maps of the Earth only.
ON_EARTH = SOURCE != "synthetic"
REGIONS = {
    region: configuration.file_name(region) for region in config["figures"]["regions"]
}
# Models whose maps of uncertainty are drawn.
MAPPED = configuration.uncertainty_models(config)
MAPS_OF_UNCERTAINTY = drawn(
    expand(f"{RESULTS}/atmodist/{{model}}/uncertainty.nc", model=MAPPED),
    "no model of atmodist.models knows the lag of uncertainty.lag_hours",
)
# Kinetic energy is that of the wind, as far as it is known.
WIND = configuration.wind(config)
ESTIMATES = [system for system in SYSTEMS if system != "truth"]
# The reference of the city maps, the first network with the mean squared error if there is one, and what it faces.
COMPARED = [
    REFERENCES[:2][-1],
    *(system for system in SRGAN if system != REFERENCES[:2][-1]),
]
# The daily cycle and the slopes of a synthetic atmosphere need both of its variables.
DATA_FIGURES = [
    "data_snapshot",
    "field_distribution",
    *(
        ["synthetic_atmosphere"]
        if SOURCE == "synthetic" and len(config["data"]["variables"]) == 2
        else []
    ),
]
ALL_FIGURES = [
    *DATA_FIGURES,
    *(["training_curves"] if TRAINED else []),
    "confusion_matrix",
    *(["lag_losses"] if configuration.content_losses(config) else []),
    *(f"uncertainty_{model}" for model in MAPPED),
    *(["predictability"] if MAPPED else []),
    "orderings",
    "srgan_curves",
    *(["energy_spectrum"] if WIND else []),
    "power_spectra",
    "zonal_spectra",
    "semivariogram",
    *(f"moment_maps_{variable}" for variable in config["data"]["variables"]),
    "error_histograms",
    "error_series",
    "city_boxes",
    "city_densities",
    "city_quantiles",
    "wasserstein",
    *(["city_map"] if len(COMPARED) > 1 else []),
    *(f"maps_{region}" for region in REGIONS.values()),
    *(f"high_pass_maps_{region}" for region in REGIONS.values()),
    *AUTOENCODER_FIGURES,
    *INPAINTING_FIGURES,
    *JET_FIGURES,
]


rule figure_data_snapshot:
    """Global maps of the variables at one moment."""
    input:
        snapshot=f"{RESULTS}/snapshot.nc",
    output:
        pdf=f"{FIGURES}/data_snapshot.pdf",
        png=report(
            f"{FIGURES}/data_snapshot.png",
            caption="../report/data_snapshot.rst",
            category="Data",
        ),
    log:
        f"{LOGS}/figure_data_snapshot.log",
    conda:
        "../envs/plot.yaml"
    params:
        coastlines=ON_EARTH,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_data_snapshot.py"


rule figure_synthetic_atmosphere:
    """Show that the synthetic atmosphere behaves like one."""
    input:
        diagnostics=f"{RESULTS}/diagnostics/train.nc",
    output:
        pdf=f"{FIGURES}/synthetic_atmosphere.pdf",
        png=report(
            f"{FIGURES}/synthetic_atmosphere.png",
            caption="../report/synthetic_atmosphere.rst",
            category="Data",
        ),
    log:
        f"{LOGS}/figure_synthetic_atmosphere.log",
    conda:
        "../envs/plot.yaml"
    params:
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_synthetic_atmosphere.py"


rule figure_field_distribution:
    """Distribution of the fields before and after the log transform."""
    input:
        histograms=f"{RESULTS}/histograms.nc",
    output:
        pdf=f"{FIGURES}/field_distribution.pdf",
        png=report(
            f"{FIGURES}/field_distribution.png",
            caption="../report/field_distribution.rst",
            category="Data",
        ),
    log:
        f"{LOGS}/figure_field_distribution.log",
    conda:
        "../envs/plot.yaml"
    params:
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_field_distribution.py"


rule figure_training_curves:
    """Loss and accuracy of AtmoDist against epoch."""
    input:
        logs=drawn(
            expand(f"{RESULTS}/atmodist/{{model}}/training.csv", model=TRAINED),
            "no model of atmodist.models is trained here",
        ),
        evaluations=expand(
            f"{RESULTS}/atmodist/{{model}}/evaluation.csv", model=TRAINED
        ),
    output:
        pdf=f"{FIGURES}/training_curves.pdf",
        png=report(
            f"{FIGURES}/training_curves.png",
            caption="../report/training_curves.rst",
            category="AtmoDist",
        ),
    log:
        f"{LOGS}/figure_training_curves.log",
    conda:
        "../envs/plot.yaml"
    params:
        models=TRAINED,
        lags=[ATMODIST[model]["classes"] for model in TRAINED],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_training_curves.py"


rule figure_confusion_matrix:
    """Which lags the networks mistake for which."""
    input:
        confusions=expand(f"{RESULTS}/atmodist/{{model}}/confusion.nc", model=ATMODIST),
    output:
        pdf=f"{FIGURES}/confusion_matrix.pdf",
        png=report(
            f"{FIGURES}/confusion_matrix.png",
            caption="../report/confusion_matrix.rst",
            category="AtmoDist",
        ),
    log:
        f"{LOGS}/figure_confusion_matrix.log",
    conda:
        "../envs/plot.yaml"
    params:
        models=list(ATMODIST),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_confusion_matrix.py"


rule figure_lag_losses:
    """Content loss and other distances against lag."""
    input:
        train=drawn(lag_losses("train"), "no model has an encoder in its content loss"),
        eval=lag_losses("eval"),
    output:
        pdf=f"{FIGURES}/lag_losses.pdf",
        png=report(
            f"{FIGURES}/lag_losses.png",
            caption="../report/lag_losses.rst",
            category="AtmoDist",
        ),
    log:
        f"{LOGS}/figure_lag_losses.log",
    conda:
        "../envs/plot.yaml"
    params:
        models=[
            " ".join(pair) for pair in configuration.compared_content_losses(config)
        ],
        lag_hours=config["figures"]["lag_hours"],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_lag_losses.py"


rule figure_uncertainty:
    """Where the networks predict a lag well."""
    input:
        maps=MAPS_OF_UNCERTAINTY,
    output:
        pdf=expand(f"{FIGURES}/uncertainty_{{model}}.pdf", model=MAPPED),
        png=report(
            expand(f"{FIGURES}/uncertainty_{{model}}.png", model=MAPPED),
            caption="../report/uncertainty.rst",
            category="AtmoDist",
        ),
    log:
        f"{LOGS}/figure_uncertainty.log",
    conda:
        "../envs/plot.yaml"
    params:
        coastlines=ON_EARTH,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_uncertainty.py"


rule figure_orderings:
    """How rightly each distance orders states whose order is known."""
    input:
        scores=f"{RESULTS}/evaluation/orderings.csv",
    output:
        pdf=f"{FIGURES}/orderings.pdf",
        png=report(
            f"{FIGURES}/orderings.png",
            caption="../report/orderings.rst",
            category="AtmoDist",
        ),
    log:
        f"{LOGS}/figure_orderings.log",
    benchmark:
        f"{BENCHMARKS}/figure_orderings.tsv"
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=memory(2),
        runtime=minutes(10),
    params:
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_orderings.py"


rule figure_predictability:
    """How well lags are predicted from month to month and from hour to hour of the day."""
    input:
        maps=MAPS_OF_UNCERTAINTY,
    output:
        pdf=f"{FIGURES}/predictability.pdf",
        png=report(
            f"{FIGURES}/predictability.png",
            caption="../report/predictability.rst",
            category="AtmoDist",
        ),
    log:
        f"{LOGS}/figure_predictability.log",
    benchmark:
        f"{BENCHMARKS}/figure_predictability.tsv"
    conda:
        "../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=memory(2),
        runtime=minutes(10),
    params:
        models=MAPPED,
        block_days=config["evaluation"]["block_days"],
        resamples=config["evaluation"]["resamples"],
        seed=config["seed"],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_predictability.py"


rule figure_srgan_curves:
    """Losses of generator and discriminator against epoch."""
    input:
        pretraining=f"{RESULTS}/srgan/pretraining/training.csv",
        logs=expand(f"{RESULTS}/srgan/{{model}}/training.csv", model=SRGAN),
    output:
        pdf=f"{FIGURES}/srgan_curves.pdf",
        png=report(
            f"{FIGURES}/srgan_curves.png",
            caption="../report/srgan_curves.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_srgan_curves.log",
    conda:
        "../envs/plot.yaml"
    params:
        models=list(SRGAN),
        epochs=[model["evaluate_epoch"] for model in SRGAN.values()],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_srgan_curves.py"


rule figure_energy_spectrum:
    """Kinetic-energy spectrum of the truth and of every system."""
    input:
        evaluation=drawn(
            expand(
                f"{RESULTS}/evaluation/{{system}}.nc", system=SYSTEMS if WIND else []
            ),
            "data.variables holds neither divergence nor vorticity",
        ),
    output:
        pdf=f"{FIGURES}/energy_spectrum.pdf",
        png=report(
            f"{FIGURES}/energy_spectrum.png",
            caption="../report/energy_spectrum.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_energy_spectrum.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        views=config["figures"]["spectrum_views"],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_energy_spectrum.py"


rule figure_power_spectra:
    """Power spectra of divergence and vorticity."""
    input:
        evaluation=expand(f"{RESULTS}/evaluation/{{system}}.nc", system=SYSTEMS),
    output:
        pdf=f"{FIGURES}/power_spectra.pdf",
        png=report(
            f"{FIGURES}/power_spectra.png",
            caption="../report/power_spectra.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_power_spectra.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        views=config["figures"]["spectrum_views"],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_power_spectra.py"


rule figure_zonal_spectra:
    """Power by zonal wavenumber, within and above the truth's band."""
    input:
        evaluation=expand(f"{RESULTS}/evaluation/{{system}}.nc", system=SYSTEMS),
    output:
        pdf=f"{FIGURES}/zonal_spectra.pdf",
        png=report(
            f"{FIGURES}/zonal_spectra.png",
            caption="../report/zonal_spectra.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_zonal_spectra.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        truncation=config["data"]["truncation"],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_zonal_spectra.py"


rule figure_maps:
    """Regional maps: low resolution, super-resolved, truth."""
    input:
        maps=expand(f"{RESULTS}/evaluation/{{system}}/maps.nc", system=SYSTEMS),
    output:
        pdf=expand(f"{FIGURES}/maps_{{region}}.pdf", region=REGIONS.values()),
        png=report(
            expand(f"{FIGURES}/maps_{{region}}.png", region=REGIONS.values()),
            caption="../report/maps.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_maps.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        zooms=configuration.zooms(config),
        coastlines=ON_EARTH,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_maps.py"


rule figure_high_pass_maps:
    """Regional maps of the small scales alone."""
    input:
        maps=expand(f"{RESULTS}/evaluation/{{system}}/maps.nc", system=SYSTEMS),
    output:
        pdf=expand(f"{FIGURES}/high_pass_maps_{{region}}.pdf", region=REGIONS.values()),
        png=report(
            expand(
                f"{FIGURES}/high_pass_maps_{{region}}.png", region=REGIONS.values()
            ),
            caption="../report/high_pass_maps.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_high_pass_maps.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        regions=list(REGIONS),
        coastlines=ON_EARTH,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_high_pass_maps.py"


rule figure_semivariogram:
    """Semivariogram of the truth and of every system."""
    input:
        evaluation=expand(f"{RESULTS}/evaluation/{{system}}.nc", system=SYSTEMS),
    output:
        pdf=f"{FIGURES}/semivariogram.pdf",
        png=report(
            f"{FIGURES}/semivariogram.png",
            caption="../report/semivariogram.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_semivariogram.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        grid_spacing=180 / configuration.grid_rows(config),
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_semivariogram.py"


rule figure_moment_maps:
    """Mean and deviation over time, how systems differ from them, and their errors."""
    input:
        moments=expand(f"{RESULTS}/evaluation/{{system}}/moments.nc", system=SYSTEMS),
    output:
        pdf=expand(
            f"{FIGURES}/moment_maps_{{variable}}.pdf",
            variable=config["data"]["variables"],
        ),
        png=report(
            expand(
                f"{FIGURES}/moment_maps_{{variable}}.png",
                variable=config["data"]["variables"],
            ),
            caption="../report/moment_maps.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_moment_maps.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        variables=config["data"]["variables"],
        coastlines=ON_EARTH,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_moment_maps.py"


rule figure_error_histograms:
    """Errors of single times."""
    input:
        evaluation=expand(f"{RESULTS}/evaluation/{{system}}.nc", system=ESTIMATES),
    output:
        pdf=f"{FIGURES}/error_histograms.pdf",
        png=report(
            f"{FIGURES}/error_histograms.png",
            caption="../report/error_histograms.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_error_histograms.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=ESTIMATES,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_error_histograms.py"


rule figure_error_series:
    """Errors against time."""
    input:
        evaluation=expand(f"{RESULTS}/evaluation/{{system}}.nc", system=ESTIMATES),
    output:
        pdf=f"{FIGURES}/error_series.pdf",
        png=report(
            f"{FIGURES}/error_series.png",
            caption="../report/error_series.rst",
            category="Super-resolution",
        ),
    log:
        f"{LOGS}/figure_error_series.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=ESTIMATES,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_error_series.py"


rule figure_city_boxes:
    """Box plots of the values at some cities."""
    input:
        cities=expand(f"{RESULTS}/evaluation/{{system}}/cities.nc", system=SYSTEMS),
    output:
        pdf=f"{FIGURES}/city_boxes.pdf",
        png=report(
            f"{FIGURES}/city_boxes.png",
            caption="../report/city_boxes.rst",
            category="Local distributions",
        ),
    log:
        f"{LOGS}/figure_city_boxes.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        cities=config["figures"]["cities"],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_city_boxes.py"


rule figure_city_densities:
    """Densities of the values at some cities."""
    input:
        cities=expand(f"{RESULTS}/evaluation/{{system}}/cities.nc", system=SYSTEMS),
    output:
        pdf=f"{FIGURES}/city_densities.pdf",
        png=report(
            f"{FIGURES}/city_densities.png",
            caption="../report/city_densities.rst",
            category="Local distributions",
        ),
    log:
        f"{LOGS}/figure_city_densities.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        cities=config["figures"]["cities"],
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_city_densities.py"


rule figure_city_quantiles:
    """Errors of the quantiles at all cities."""
    input:
        cities=expand(f"{RESULTS}/evaluation/{{system}}/cities.nc", system=SYSTEMS),
    output:
        pdf=f"{FIGURES}/city_quantiles.pdf",
        png=report(
            f"{FIGURES}/city_quantiles.png",
            caption="../report/city_quantiles.rst",
            category="Local distributions",
        ),
    log:
        f"{LOGS}/figure_city_quantiles.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=SYSTEMS,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_city_quantiles.py"


rule figure_wasserstein:
    """Distances of local distributions from the true ones."""
    input:
        cities=expand(f"{RESULTS}/evaluation/{{system}}/cities.nc", system=ESTIMATES),
    output:
        pdf=f"{FIGURES}/wasserstein.pdf",
        png=report(
            f"{FIGURES}/wasserstein.png",
            caption="../report/wasserstein.rst",
            category="Local distributions",
        ),
    log:
        f"{LOGS}/figure_wasserstein.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=ESTIMATES,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_wasserstein.py"


rule figure_city_map:
    """Cities where a system does best and worst beside a reference."""
    input:
        cities=drawn(
            expand(
                f"{RESULTS}/evaluation/{{system}}/cities.nc",
                system=COMPARED if len(COMPARED) > 1 else [],
            ),
            "srgan.models holds no two models to compare",
        ),
    output:
        pdf=f"{FIGURES}/city_map.pdf",
        png=report(
            f"{FIGURES}/city_map.png",
            caption="../report/city_map.rst",
            category="Local distributions",
        ),
    log:
        f"{LOGS}/figure_city_map.log",
    conda:
        "../envs/plot.yaml"
    params:
        systems=COMPARED,
        coastlines=ON_EARTH,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_city_map.py"


rule figures:
    """Every figure."""
    input:
        expand(
            f"{FIGURES}/{{figure}}.{{suffix}}",
            figure=ALL_FIGURES,
            suffix=["pdf", "png"],
        ),
