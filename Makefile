PYTHON ?= python3
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --configfile config/demo.yaml
PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

STUDY = $(BIN)/snakemake --config name=study-$(SEED) seed=$(SEED) \
  $(if $(PRECISION),"training={precision: $(PRECISION)}") --configfile config/study.yaml
KEPT = docs/study/seed-$(SEED)
KEEPS_MODELS = $(BIN)/python workflow/keep_seed.py check $(if $(PRECISION),--precision $(PRECISION)) $(KEPT) \
  config/config.yaml config/study.yaml $(MORE)
MAP := figures/maps_northern_storm_track

# Of the packages' modules a third is ever imported, by hundreds of jobs: the first that imports one compiles it for all.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo demo-all earth study study-orderings study-page study-map report test torture unit lint bench docs pins clean

help:  ## these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile

# The stamp carries the pins, so that other pins make another environment.
STAMP := .venv/$(shell cksum requirements.txt | cut -d' ' -f1)

$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing the pinned packages into .venv (once; a minute, and the download) …"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements.txt
	@touch $@

demo: $(STAMP)  ## the whole chain on a synthetic atmosphere, minutes on two cores
	@echo "Running the chain on a synthetic atmosphere; results appear in results/demo …"
	@$(SNAKEMAKE) --cores $(or $(CORES),all)
	@echo "Done. Figures: results/demo/figures  Numbers: results/demo/summary.csv"

demo-all: $(STAMP)  ## the demo with all encoders, inpainting and the jet: 17 minutes of processor time more
	@echo "Running the chain with all encoders, inpainting and the jet; results appear in results/demo …"
	@$(SNAKEMAKE) config/demo-all.yaml --cores $(or $(CORES),all)
	@echo "Done. Figures: results/demo/figures  Numbers: results/demo/summary.csv"

earth: $(STAMP)  ## the demo's chain on months of ERA5, 4.5 GB to fetch
	@echo "Fetching 4.5 GB of ERA5 from the public cloud copy, then running the chain; results in results/earth …"
	@$(SNAKEMAKE) config/earth.yaml --cores $(or $(CORES),all)
	@echo "Done. Figures: results/earth/figures  Numbers: results/earth/summary.csv"

# Asked before an environment is installed.
.PHONY: needs-seed
needs-seed:
	@case "$(SEED)" in ''|*[!0-9]*|0?*) \
	  echo "Name a seed by its number: make $(firstword $(MAKECMDGOALS)) SEED=100"; exit 1; esac

study: needs-seed $(STAMP)  ## a seed of the study of losses, 1.5 hours: make study SEED=100; config/study.yaml says what else it takes
	@$(KEEPS_MODELS)
	@$(STUDY) $(MORE) --cores $(or $(CORES),all) -- results/study-$(SEED)/study/draws.csv
	@$(BIN)/python workflow/keep_seed.py keep $(KEPT) results/study-$(SEED)/study
	@$(MAKE) --no-print-directory study-page

study-orderings: needs-seed $(STAMP)  ## how a seed's distances order states, minutes: make study-orderings SEED=100, where its results are
	@test -d $(KEPT) || { echo "There is no $(KEPT) yet: make study SEED=$(SEED) first"; exit 1; }
	@$(KEEPS_MODELS)
	@$(STUDY) $(MORE) --cores $(or $(CORES),all) -- results/study-$(SEED)/evaluation/orderings.csv
	@cp results/study-$(SEED)/evaluation/orderings.csv $(KEPT)/
	@$(MAKE) --no-print-directory study-page

study-page: $(STAMP)  ## docs/study.md, its figures and the README's summary from the seeds in docs/study
	@$(BIN)/python workflow/study_page.py docs/study docs/study.md README.md

study-map: needs-seed $(STAMP)  ## the README's map, from a seed whose fields are here: make study-map SEED=1
	@$(STUDY) config/study-map.yaml --cores $(or $(CORES),all) -- results/study-$(SEED)/$(MAP).png
	@cp results/study-$(SEED)/$(MAP).png docs/images/study_maps.png

report: $(STAMP)  ## the demo's results as one HTML file
	@$(SNAKEMAKE) --cores $(or $(CORES),all) --report results/demo/report.html --report-after-run

test: $(STAMP)  ## every test
	@echo "The whole chain and its faults, then unit tests, three files at a time …"
	@$(PYTEST) tests --durations=10

torture: $(STAMP)  ## a thousand faults over the whole chain, an hour or two; it goes on where it stopped
	@$(BIN)/python tests/torture.py --faults 900 --per-round 450 --cores $(or $(CORES),2)
	@$(BIN)/python tests/torture.py --slurm --faults 110 --per-round 110

unit: $(STAMP)  ## the unit tests alone
	@$(PYTEST) tests/unit

lint: $(STAMP)  ## what the code must look like
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check workflow
	@$(SNAKEMAKE) --lint

bench: $(STAMP)  ## how fast the parts are on this machine; on its GPU, if it has one
	@for benchmark in $(filter-out %/shared.py,$(wildcard benchmarks/*.py)); do echo "== $$benchmark"; $(BIN)/python $$benchmark; done

docs: $(STAMP)  ## config/README.md from the schema
	@$(BIN)/python config/reference.py > config/README.md

pins: $(STAMP)  ## versions of the conda environments from requirements.txt
	@$(BIN)/python workflow/pin_environments.py

clean:  ## delete the environment and the demo's results; others stay
	rm -rf .venv results/demo
