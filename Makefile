# Two commands for a newcomer: `make sweep` and `make test`. Everything lands in .venv; nothing else is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One BLAS thread in each worker: parallel work is across runs.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help sweep paper paper-quick test lint types tests test-slow test-all bench bench-rounds bench-torch bench-optimizers docs coverage dist clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

sweep: $(VENV)/.installed  ## run configs/rank_sweep.yaml: table, figures, results
	$(BIN)/oco sweep configs/rank_sweep.yaml

paper: $(VENV)/.tools  ## every table and figure of the paper, from stored results or from the start (25 minutes)
	$(BIN)/python -m paper_figures

paper-quick: $(VENV)/.tools  ## a subset on short streams, into results/paper_quick
	$(BIN)/python -m paper_figures --quick

test: lint types tests  ## lint, types and all tests but the long ones

lint: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tools
	$(BIN)/mypy

# Files in the order of their names: sorted by their number of tests, long files of few tests would come last, alone.
# Their byte code is kept, because pytest rewrites every assertion before it compiles a file.
tests: export PYTHONDONTWRITEBYTECODE :=
tests: $(VENV)/.tools
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: $(VENV)/.tools  ## the long tests alone
	$(BIN)/python -m pytest -n auto -m slow

test-all: test test-slow  ## every test

docs: $(VENV)/.docs  ## the documentation site, lessons run: docs/_build/html
	$(BIN)/python -m sphinx -q -n -W --keep-going -j auto -b html docs docs/_build/html
	@! grep -rlE '<(script|img)[^>]* src="https?://' docs/_build/html --include='*.html' || { echo "docs: these pages need a network"; exit 1; }
	@echo "built docs/_build/html/index.html"

coverage: $(VENV)/.tools  ## the tests, and the share of lines that they reach
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,torch,coverage]'
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow" --cov --cov-report=term:skip-covered

dist: $(VENV)/.tools  ## sdist, and wheel with compiled kernels, in dist/; packages tried in an empty environment
	$(BIN)/python -m build --no-isolation --sdist --outdir dist .
	$(BIN)/python -m benchmarks.compile_ahead
	$(BIN)/python -m build --no-isolation --wheel --outdir dist .
	rm -rf oco/_kernels build
	$(BIN)/python -m pytest tests/packaging -m slow

# The commit that the targets of speed are stated against.
AGAINST ?= 3dfa063

bench: $(VENV)/.docs  ## what everything costs, against another commit (AGAINST=...), and which targets are met; an hour
	$(BIN)/python -m benchmarks.against $(AGAINST)

bench-rounds: $(VENV)/.tools  ## what a round costs, against an SVD every round; about six minutes
	$(BIN)/python -m benchmarks.run

bench-torch: $(VENV)/.tools  ## the acceptance table of S-Shampoo
	$(BIN)/python -m benchmarks.torch_bench

bench-optimizers: $(VENV)/.tools  ## S-Shampoo's family against other optimizers: what is missing of its runs, table, figures
	$(BIN)/python -m benchmarks.contest

clean:  ## remove .venv and caches; results stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: Python 3.11 or newer is needed and '$(PYTHON)' was not found; install it, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed, '$(PYTHON)' is $$($(PYTHON) -V 2>&1); say which one to use: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: '$(PYTHON)' cannot create virtual environments; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.tools: setup.cfg constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,torch]'
	@touch $@ $(VENV)/.installed

$(VENV)/.docs: $(VENV)/.tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,torch,docs]'
	@touch $@
