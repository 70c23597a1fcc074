# The commands of nastoolkit; `make` alone lists them.

PYTHON ?= python3
PROFILE ?= laptop
NOTEBOOK ?=
SET ?=
JOBS ?= 2
DIR ?= runs/students

override VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
RUN := $(PY) experiments/run.py
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable
COMPILE := $(PY) -m compileall -qq -j 0 $(VENV)/lib || true # on all cores, which pip does not; files for other Pythons do not compile
BUILT := build mutants .coverage docs/_api docs/_build docs/_notebooks docs/_play nastoolkit.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup dev run test types pytest lab app figures claims smoke slides students docs
.PHONY: browser-test browser-notebooks browser-site chromium clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  variables: PYTHON=python3.12  PROFILE=smoke|laptop|long|paper  NOTEBOOK=quickstart  SET=\"budget=60 seed=1\"  JOBS=2  DIR=runs/students"

setup: $(INSTALLED)-notebooks ## create .venv and install what the notebooks need; done once

dev: $(INSTALLED)-dev ## what the tests need, too

run: setup ## the main job: the quickstart notebook, at the laptop profile
	$(RUN) notebooks/quickstart.ipynb --profile laptop

test: $(INSTALLED)-dev ## linter, formatter, types, tests (their seconds in runs/ci/), and every notebook at the smoke profile
	@$(MAKE) --no-print-directory --jobs types pytest
	$(RUN) --profile smoke --jobs $(JOBS)

types:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

pytest:
	OMP_NUM_THREADS=1 $(PY) -m pytest -n $(JOBS) --dist worksteal --durations=60 --junitxml=runs/ci/tests.xml

lab: $(INSTALLED)-lab ## open the notebooks in JupyterLab
	$(PY) -m jupyterlab --FileContentsManager.preferred_dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

app: $(INSTALLED)-lab ## the explorer as an app, at the address that it prints, for this machine only
	$(PY) -m nastoolkit.cli explore --folder runs/explorer/app --no-browser

figures: setup ## all notebooks that are not up to date, or NOTEBOOK=fig05, at PROFILE=laptop
	$(RUN) $(NOTEBOOK) --profile $(PROFILE) $(addprefix --set ,$(SET))

claims: setup ## bring the scoreboard, experiments/CLAIMS.md, and the README up to date with runs/
	$(RUN) --claims

smoke: setup ## all notebooks at the smoke profile, JOBS=2 side by side
	$(RUN) --profile smoke --jobs $(JOBS)

slides: $(INSTALLED)-lab ## the lessons as slides in runs/slides/; those without outputs are run first
	$(PY) experiments/lecture.py --profile $(PROFILE) --jobs $(JOBS)

students: setup ## the lessons without solutions, with checks, in a new folder: DIR=runs/students
	$(PY) -m nastoolkit.cli students $(DIR)

docs: $(INSTALLED)-docs ## build the site in docs/_build
	$(PY) -m sphinx -W --keep-going -q -d docs/_build/doctrees docs docs/_build/html
	@echo "files made:"; echo "  docs/_build/html/index.html"

browser-test: chromium $(INSTALLED)-lab $(INSTALLED)-dev $(INSTALLED)-docs ## notebooks, app and site in Chromium; screenshots in runs/browser/
	@$(MAKE) --no-print-directory --jobs browser-notebooks browser-site

browser-notebooks:
	$(PY) -m pytest -m browser tests/browser/test_explorer.py tests/browser/test_lab.py

browser-site: docs
	$(PY) -m pytest -m browser tests/browser/test_site.py

chromium:
	@command -v chromium > /dev/null || { echo "There is no chromium: on Debian, apt install chromium"; exit 1; }

clean: ## remove what builds and tests left
	rm -rf $(BUILT)
	find nastoolkit experiments tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "left as they are: runs/ (results) and $(VENV)/ (installed packages)"

# A stamp file for each set of packages: nothing is installed again until what it says changes.
$(INSTALLED)-notebooks: pyproject.toml constraints.txt $(PY)
	@echo "Installing into $(VENV), PyTorch included: this takes minutes, once."
	$(INSTALL) '.[notebooks]'
	@$(COMPILE)
	@touch $@

$(INSTALLED)-%: $(INSTALLED)-notebooks
	$(INSTALL) '.[notebooks,$*]'
	@$(COMPILE)
	@touch $@

$(PY):
	@command -v $(PYTHON) > /dev/null || \
		{ echo "There is no $(PYTHON): install Python 3.11 or later, or name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old, nastoolkit needs Python 3.11 or later; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || \
		{ echo "$(PYTHON) has no venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
