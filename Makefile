# make demo    the whole chain on a synthetic atmosphere     make test   every test
# make report  its results as one HTML file                  make lint   what the code must look like
# make bench   how fast the parts are                        make docs   config/README.md from the schema
PYTHON ?= python3
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --configfile config/demo.yaml

.DEFAULT_GOAL := help
.PHONY: help demo report test unit lint bench docs clean

help:
	@head -3 Makefile | cut -c3-

# The stamp carries the pins, so that other pins make another environment.
STAMP := .venv/$(shell cksum requirements.txt | cut -d' ' -f1)

$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing the pinned packages into .venv (once; about two minutes) …"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

demo: $(STAMP)
	@echo "Running the chain on a synthetic atmosphere; results appear in results/demo …"
	@$(SNAKEMAKE) --cores $(or $(CORES),all)
	@echo "Done. Figures: results/demo/figures  Numbers: results/demo/summary.csv"

report: $(STAMP)
	@$(SNAKEMAKE) --cores $(or $(CORES),all) --report results/demo/report.html --report-after-run

test: $(STAMP)
	@echo "Unit tests, then the whole chain and its faults …"
	@$(BIN)/python -m pytest tests --durations=10

unit: $(STAMP)
	@$(BIN)/python -m pytest tests/unit

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check workflow
	@$(SNAKEMAKE) --lint

bench: $(STAMP)
	@for benchmark in benchmarks/*.py; do echo "== $$benchmark"; $(BIN)/python $$benchmark; done

docs: $(STAMP)
	@$(BIN)/python config/reference.py > config/README.md

clean:
	rm -rf .venv .snakemake results/demo
