# Everything a newcomer needs, by name. Needs Python 3.11-3.13, git and make; everything else is installed into
# .venv (and .venv-lab) from locks of exact versions with hashes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Some machines tell Python to keep nothing that it compiled: the tests start thousands of processes, and each
# would compile cxtools anew.
unexport PYTHONDONTWRITEBYTECODE

# The first Python that fits; `make PYTHON=/path/to/python3.12 …` chooses another.
FITS   := import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do command -v $$p >/dev/null && $$p -c "$(FITS)" && { echo $$p; break; }; done)
BIN    := .venv/bin
# For every Python that is supported, whichever this one is: without --python-version the older ones' packages are left out.
UV_PIP  = $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --universal --fork-strategy fewest --generate-hashes \
          --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

.PHONY: help setup demo test lint check coverage docs lowest soak wheel-check schedulers-check long-check notebooks-check notebooks-compare notebooks lab lock clean chromium postgres mutants

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.core  ## make .venv with what cxtools needs to run

demo: .venv/.core  ## the whole job on the simulator; reports in reports/demo
	$(BIN)/cxtools demo --out reports/demo

# ruff and mypy take one core, and the demo that the notebooks are compared on the other.
test: .venv/.dev chromium postgres  ## everything that must pass, with every set-up step it needs
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint demo
	$(MAKE) --no-print-directory check
	$(MAKE) --no-print-directory notebooks-compare

lint: .venv/.dev  ## ruff and mypy --strict
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# One worker more than the two cores of CI: a third of the time a test waits, for a process, a lease or a limit that passes.
# Only whole files are spread over them: a file's tests share its simulator and its ledger.
PYTEST_SPREAD = -n 3 --dist loadfile --no-loadscope-reorder

check: .venv/.dev .venv-lab/.lab chromium postgres  ## the tests and every example in a docstring
	$(BIN)/pytest $(PYTEST_SPREAD)

# Twice the time: each command, kernel and simulator that a test starts is measured, too.
coverage: .venv/.dev .venv-lab/.lab chromium postgres  ## the tests again, and how much of the code they reach (95 % at least)
	$(BIN)/pytest $(PYTEST_SPREAD) --cov --cov-report=term:skip-covered

docs: .venv/.dev  ## the documentation site in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -q -W -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# The lowest versions that pyproject.toml allows, in an environment of its own.
lowest: .venv-lowest/.lowest chromium postgres  ## the tests on the lowest allowed versions
	.venv-lowest/bin/pytest $(PYTEST_SPREAD)

# Minutes, and it needs the package index: an environment of its own is filled with the wheel alone.
wheel-check: .venv/.dev chromium  ## the wheel in a fresh environment and an empty folder: demo, notebooks, pages
	$(BIN)/pytest -o faulthandler_timeout=0 tests/installed

# Minutes for one test each, so not in `make test`.
long-check: .venv/.dev  ## what takes minutes: the demo's home three days later, news merged by Spark
	$(BIN)/pytest tests/long

# Minutes: a real Airflow, Prefect and jupyter-scheduler, each in an environment of its own; systemd is the system's.
schedulers-check: .venv/.dev .venv-airflow/.made .venv-scheduler/.made .venv-examples/.made  ## what is shipped for schedulers and containers, run by these
	$(BIN)/pytest -o faulthandler_timeout=0 tests/schedulers

# Hours. What is done stands in reports/soak/seed-N.jsonl; the same command goes on from there. SOAK="--minutes 30" stops after so long.
soak: .venv/.dev  ## the long proof: every kill point, kills in recovery, 10,000 fault schedules, writers and readers killed for minutes (SEED=7)
	$(BIN)/python -m tests.proof.refreshes --points 100
	CXTOOLS_SOAK_S=60 $(BIN)/pytest -n 0 -k four_at_once tests/proof/test_refresh_kill.py
	$(BIN)/python -m tests.proof.soak --seed $(or $(SEED),7) $(SOAK)

mutants: .venv/.dev postgres  ## plant known mistakes one at a time; each must make a test fail (NAME="..." for some)
	$(BIN)/python -m tests.proof.mutants $(NAME)

# The committed outputs come from the seeded demo, so the comparison needs the demo's data, made afresh, and nothing else.
notebooks-check: .venv/.dev demo  ## run the notebooks on the demo's data and compare with their committed outputs
	$(MAKE) --no-print-directory notebooks-compare

notebooks-compare: .venv/.dev
	CXTOOLS_CAMPAIGN=q3-update CXTOOLS_HOME="$(CURDIR)/reports/demo/home" $(BIN)/pytest -n 2 --dist loadfile --nbval --nbval-current-env -p no:cacheprovider notebooks \
	  $(if $(wildcard tests/nbval.cfg),--nbval-sanitize-with tests/nbval.cfg)

# Without a CXTOOLS_HOME of one's own the notebooks show the demo's campaigns.
lab: .venv-lab/.lab reports/demo/index.html  ## JupyterLab on the notebooks, in an environment of its own
	@if [ -z "$${CXTOOLS_HOME:-}" ]; then export CXTOOLS_HOME="$(CURDIR)/reports/demo/home" CXTOOLS_CAMPAIGN=q3-update; fi; \
	  exec .venv-lab/bin/jupyter lab --ServerApp.root_dir=notebooks

reports/demo/index.html: | .venv/.core
	$(BIN)/cxtools demo --out reports/demo

notebooks: .venv/.dev demo  ## run the notebooks anew on the demo's data, to commit their outputs
	CXTOOLS_CAMPAIGN=q3-update CXTOOLS_HOME="$(CURDIR)/reports/demo/home" PLOTLY_RENDERER=plotly_mimetype $(BIN)/jupyter nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False notebooks/*_report.ipynb notebooks/run_campaign.ipynb

lock: .venv/.dev  ## resolve the locks again, for all supported Pythons and systems
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.13"
	$(UV_PIP) --upgrade --group build -o requirements.lock
	$(UV_PIP) --no-strip-extras --group dev --extra keyring --extra notify --extra postgres --extra spark -c requirements.lock -o requirements-dev.lock
	$(UV_PIP) --group build --extra lab -c requirements.lock -o requirements-lab.lock

clean:  ## remove the environments and everything made
	rm -rf .venv .venv-lab .venv-lowest .venv-airflow .venv-scheduler .venv-examples build dist docs/_build docs/reference/made .pytest_cache .mypy_cache .ruff_cache .hypothesis reports/demo

# --- environments; a stamp tells that one is up to date with its lock, so a second run takes no time ---

define environment
	@test -n "$(PYTHON)" || { echo "cxtools needs Python 3.11, 3.12 or 3.13. None was found: install one, or say make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -c "$(FITS)" || { echo "cxtools needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; exit 2; }
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
endef

.venv/.core: requirements.lock pyproject.toml
	$(call environment,.venv,requirements.lock)

.venv/.dev: requirements-dev.lock .venv/.core
	$(call environment,.venv,requirements-dev.lock)

.venv-lab/.lab: requirements-lab.lock pyproject.toml
	$(call environment,.venv-lab,requirements-lab.lock)

.venv-lowest/.lowest: pyproject.toml .venv/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.13"
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable ".[keyring,notify,postgres,spark]" --group dev
	@touch $@

.venv-%/.made: tests/schedulers/%.txt
	@test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# JupyterLab's own, with jupyter-scheduler in it.
.venv-scheduler/.made: tests/schedulers/scheduler.txt requirements-lab.lock
	$(call environment,.venv-scheduler,requirements-lab.lock)
	.venv-scheduler/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

chromium: .venv/.dev
	@bash .ci/chromium

postgres:
	@bash .ci/postgres >/dev/null
