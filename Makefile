# Every target sets up what it needs in .venv by itself; the second time that costs nothing.
# One recipe for every machine: Python 3.11 or newer and make are all it asks for.

BIN    := .venv/bin
EXTRAS ?= app,excel,duckdb,test

# The synthetic trial of `make report`: 200 people, and the day on which two thirds of the endpoints are known.
PROTOCOL := data/protocols/NCT05741099.yaml
TRIAL    := reports/trial
CUTOFF   := 2023-08-17

# Reports and tests start Python many times over: what was compiled once is kept.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help report lessons test test-quick long fuzz check bench lab app clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

report: .venv/.report-stamp  ## all reports, of a synthetic cohort and trial: reports/index.html
	@rm -rf $(TRIAL)
	@$(BIN)/trialtools simulate trial $(PROTOCOL) --n 200 --seed 29 --scenario effect --out $(TRIAL)
	@$(BIN)/trialtools report screening cohort_explorer arms --jobs 2
	@$(BIN)/trialtools report interim --both --jobs 2 -p protocol=$(PROTOCOL) -p data=$(TRIAL) -p look=2 -p cutoff=$(CUTOFF) \
	  --ledger $(TRIAL)/ledger.sqlite --key $(TRIAL)/unblinded/key.json

lessons: .venv/.report-stamp  ## what learners get without Jupyter, in reports/lessons: page, quiz, paper
	@$(BIN)/trialtools lessons page
	@$(BIN)/trialtools lessons quiz
	@$(BIN)/trialtools lessons paper

TWO := -n 2 --dist loadfile --no-loadscope-reorder

test: PYTEST ?= $(TWO)
test: .venv/.test-stamp  ## run the tests; what this machine lacks is skipped aloud
	@$(BIN)/python -m pytest $(PYTEST)

test-quick: .venv/.test-stamp  ## the tests that need no kernel, browser or server and no long search
	@$(BIN)/python -m pytest $(TWO) -m "unit or spec or oracles" $(PYTEST)

test-unit test-spec test-agreement test-oracles test-reports test-ui: .venv/.test-stamp
	@$(BIN)/python -m pytest -m $(@:test-%=%) $(PYTEST)

N ?= 3000
long: .venv/.test-stamp  ## the tests that take a sample, with N=3000 cases each
	@TRIALTOOLS_LONG=$(N) $(BIN)/python -m pytest -m long --timeout 14400 $(PYTEST)

SECONDS ?= 600
fuzz: .venv/.test-stamp  ## input that nobody would write at each door, SECONDS=600 long; DOORS="csvfiles excel" for some
	@cd tests && PYTHONPATH=.:.. ../$(BIN)/python -m fuzz.run $(SECONDS) $(DOORS)

check: .venv/.test-stamp  ## style, types, clean notebooks, examples in docstrings
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/python tests/check_notebooks.py
	@$(BIN)/python -m pytest --doctest-modules trialtools

bench: .venv/.test-stamp  ## print the speed ratios against hand-written code
	@$(BIN)/python tests/benchmarks/run.py

lab: .venv/.report-stamp  ## open the notebooks in JupyterLab, on this machine only
	@$(BIN)/jupyter lab --ip=127.0.0.1 --HTMLExporter.preprocessors=trialtools.report.export.KeepFigures notebooks

app: .venv/.app-stamp  ## serve the screens as web pages, on this machine only
	@$(BIN)/python -m trialtools.widgets.app notebooks

clean:  ## remove .venv, reports and caches
	@rm -rf .venv reports dist .pytest_cache .ruff_cache .hypothesis .benchmarks
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.report-stamp: PARTS = .[workbench,excel,duckdb]
.venv/.app-stamp:    PARTS = .[app,excel,duckdb]
.venv/.test-stamp:   PARTS = .[$(EXTRAS)]

.venv/.%-stamp: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Setting up .venv for '$*' (once, one to five minutes) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '$(PARTS)'
	@touch $@

# The first that runs and is new enough: a name on the PATH is no promise (pyenv leaves names there that only complain).
.venv/bin/pip:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    exec $$python -m venv --clear .venv; \
	  fi; \
	done; \
	echo "Python 3.11 or newer was not found; name one: make PYTHON=/path/to/python3" >&2; exit 1
