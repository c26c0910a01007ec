# Two commands set everything up: `make smoke` and `make test`.

PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
# Snakemake's rules call `modc`, so the environment must come first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install smoke test test-all lint clean

help:
	@echo "make smoke     the whole grid at toy size, from drawn pictures to the five tables"
	@echo "make test      the tests that take seconds each"
	@echo "make test-all  all tests, the slow ones too"
	@echo "make lint      ruff, snakefmt and Snakemake's own linter"
	@echo "make clean     remove the smoke run's data and results"

install: $(BIN)/.installed

$(BIN)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "the venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

smoke: install
	@snakemake --configfile configs/smoke.yaml --cores $(CORES) --quiet rules

test: install
	$(BIN)/python -m pytest -q -m "not slow" -n $(CORES) --dist loadfile

test-all: install
	$(BIN)/python -m pytest -q

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python tests/lint_workflow.py

clean:
	rm -rf results/smoke data/smoke
