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
REFERENCE = REFERENCES[:2][-1]
OTHERS = [system for system in SRGAN if system != REFERENCE]
COMPARED = [REFERENCE, *OTHERS] if OTHERS else []
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
    *(["city_map"] if COMPARED else []),
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
        **picture("data_snapshot", "Data"),
    log:
        f"{LOGS}/figure_data_snapshot.log",
    conda:
        "../envs/plot.yaml"
    params:
        coastlines=ON_EARTH,
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_data_snapshot.py"


rule figure_field_distribution:
    """Distribution of the fields before and after the log transform."""
    input:
        histograms=f"{RESULTS}/histograms.nc",
    output:
        **picture("field_distribution", "Data"),
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
        **picture("training_curves", "AtmoDist"),
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
        **picture("confusion_matrix", "AtmoDist"),
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
        **picture("lag_losses", "AtmoDist"),
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
        **picture("uncertainty", "AtmoDist", MAPPED),
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
        **picture("orderings", "AtmoDist"),
    log:
        f"{LOGS}/figure_orderings.log",
    conda:
        "../envs/plot.yaml"
    params:
        dpi=config["figures"]["dpi"],
    script:
        "../scripts/figure_orderings.py"


rule figure_predictability:
    """How well lags are predicted from month to month and from hour to hour of the day."""
    input:
        maps=MAPS_OF_UNCERTAINTY,
    output:
        **picture("predictability", "AtmoDist"),
    log:
        f"{LOGS}/figure_predictability.log",
    conda:
        "../envs/plot.yaml"
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
        **picture("srgan_curves", "Super-resolution"),
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
        **picture("energy_spectrum", "Super-resolution"),
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
        **picture("power_spectra", "Super-resolution"),
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
        **picture("zonal_spectra", "Super-resolution"),
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
        **picture("maps", "Super-resolution", REGIONS.values()),
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
        **picture("high_pass_maps", "Super-resolution", REGIONS.values()),
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
        **picture("semivariogram", "Super-resolution"),
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
        **picture("moment_maps", "Super-resolution", config["data"]["variables"]),
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
        **picture("error_histograms", "Super-resolution"),
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
        **picture("error_series", "Super-resolution"),
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
        **picture("city_boxes", "Local distributions"),
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
        **picture("city_densities", "Local distributions"),
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
        **picture("city_quantiles", "Local distributions"),
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
        **picture("wasserstein", "Local distributions"),
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
                system=COMPARED,
            ),
            "srgan.models holds no two models to compare",
        ),
    output:
        **picture("city_map", "Local distributions"),
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
