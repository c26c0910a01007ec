# Two commands set everything up: `make smoke` and `make test`.

PYTHON ?= python3
CORES ?= 2
# Many tests wait for a process or a server, so there is one worker more than cores.
TEST_WORKERS = $$(($(CORES) + 1))
# Another torch and torchvision than the pinned ones, as arguments of pip install.
TORCH ?=
BIN := .venv/bin
OLDEST := .venv-oldest/bin
PIP := python -m pip install --quiet --disable-pip-version-check
# Packages that only the pinned torch needs.
TORCHES := ^(torch|torchvision|triton|sympy|mpmath|networkx|nvidia-.*|cuda-.*)==
# Snakemake's rules call `modc`, so the environment must come first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install smoke tiny test test-all test-oldest lint clean

help:
	@echo "make smoke       the whole grid in miniature, from drawn images to the report"
	@echo "make tiny        two cells of it in a minute, as CI runs them"
	@echo "make install     the environment .venv with the pinned packages"
	@echo "make test        the fast tests"
	@echo "make test-all    all tests, including the slow ones"
	@echo "make test-oldest the fast tests with the oldest supported version of each package"
	@echo "make lint        ruff, snakefmt and Snakemake's linter"
	@echo "make clean       remove the data and results of the smoke and tiny runs"

install: $(BIN)/.installed

$(BIN)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "the venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
ifdef TORCH
	$(BIN)/$(PIP) $(TORCH)
	grep -vE '$(TORCHES)' requirements.lock > .venv/requirements.txt
	$(BIN)/$(PIP) -r .venv/requirements.txt
else
	$(BIN)/$(PIP) -r requirements.lock
endif
	$(BIN)/$(PIP) --no-deps -e .
	@touch $@

$(OLDEST)/.installed: requirements-oldest.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "these versions require Python 3.11; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv-oldest
	$(OLDEST)/$(PIP) -r requirements-oldest.lock
	$(OLDEST)/$(PIP) --no-deps -e .
	@touch $@

smoke: install
	@snakemake --configfile configs/smoke.yaml --cores $(CORES) --quiet rules

tiny: install
	@snakemake --configfile configs/tiny.yaml --cores $(CORES) --quiet rules

test: install
	$(BIN)/python -m pytest -q -m "not slow" -n $(TEST_WORKERS) --dist loadfile

test-all: install
	$(BIN)/python -m pytest -q

test-oldest: $(OLDEST)/.installed
	PATH="$(CURDIR)/$(OLDEST):$$PATH" $(OLDEST)/python -m pytest -q -m "not slow" \
		-n $(TEST_WORKERS) --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python tests/lint_workflow.py

clean:
	rm -rf results/smoke data/smoke results/tiny data/tiny
