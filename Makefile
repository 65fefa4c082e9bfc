# Everything runs inside .venv, built from the pinned requirements.lock; python3 (3.11 or later) is all that has to be there.
PYTHON ?= python3
BIN := .venv/bin
# stages call `python`: they get the environment's
export PATH := $(CURDIR)/$(BIN):$(PATH)
# an environment without bytecode compiles torch anew in every process, which takes seconds
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help env quick repro zoo zoo5 lecture tune papers docs test test-slow check format lock audit ui clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: .venv/.done ## build .venv from requirements.lock

# uv comes first, at the version and with the hashes that the lock pins, and installs the rest with its hashes
.venv/.done: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganpipe needs Python 3.11 or later: set PYTHON=")'
	$(PYTHON) -m venv .venv
	awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' requirements.lock >.venv/uv.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --reinstall-package ganpipe -e .
	@touch $@

# in a copy of what is committed, so that params.yaml and the results here stay as they are
quick: env ## a first look in less than a minute: one seed, few steps, the page
	rm -rf .cache/quick && git clone -q . .cache/quick
	cd .cache/quick && sed -i.old -e 's/^seeds: .*/seeds: [0]/' -e 's/^  steps: 800/  steps: 200/' \
	  -e 's/^  steps: 2000/  steps: 500/' -e 's/^  baseline_draws: .*/  baseline_draws: 2/' params.yaml && \
	  GANPIPE_TRACKING=off dvc repro -q && ganpipe page

repro: env ## train, evaluate and show the selected variant
	ganpipe check
	dvc repro
	@ganpipe page

zoo: env ## every variant, several at a time, and the page of all of them
	ganpipe sweep

# VARIANTS="lsgan wgan_gp": these instead of all
zoo5: env ## the same with the five seeds that a ranking needs, which it writes into params.yaml
	sed -i.old 's/^seeds: .*/seeds: [0, 1, 2, 3, 4]/' params.yaml && rm params.yaml.old
	ganpipe sweep $(VARIANTS)

# DVC runs one stage at a time: here as many as there are cores, each by a dvc of its own
LECTURE := stages/lecture/dvc.yaml
lecture: env ## test the claims of the lectures, for hours, and show them on a page
	sed -i.old 's/^lecture: \[\]/lecture: [claims]/' params.yaml && rm params.yaml.old
	ganpipe check
	dvc repro $(LECTURE):resolve_lecture@claims
	for stages in lecture_data 'probe|digits|ring|grid|gaussian_1d'; do \
	  dvc stage list --name-only $(LECTURE) | grep -E ":($$stages)@" | \
	  xargs -P $$(getconf _NPROCESSORS_ONLN) -n 3 dvc --wait-for-lock repro --single-item || exit 1; done
	dvc repro --single-item $(LECTURE):claims@claims

# DATA=ring: on that data set
DATA := digits
TUNE := stages/tune/dvc.yaml
tune: env ## give every variant of `tune` in params.yaml the same number of configurations, for hours, and compare
	sed -i.old '/^tune:/,/^[a-z]/s/^  data: .*/  data: [$(DATA)]/' params.yaml && rm params.yaml.old
	ganpipe check
	dvc repro $(TUNE):resolve_tune@$(DATA)
	for stages in tune_data draw winner; do \
	  dvc stage list --name-only $(TUNE) | grep ":$$stages@" | \
	  xargs -P $$(getconf _NPROCESSORS_ONLN) -n 3 dvc --wait-for-lock repro --single-item || exit 1; done
	dvc repro --single-item $(TUNE):tuning@$(DATA)

# ARGS="--only dirac-eigenvalues": that entry alone
papers: env ## measure what papers report, for hours, and write docs/papers.md
	nice python -m benchmarks.papers $(ARGS)

test: env ## run the tests, warnings are errors
	python -m pytest -n 2 --dist loadfile -m "not slow and not gpu"

test-slow: env ## run the tests that take long by nature: kills under DVC, full disks, the fuzz at full size
	python -m pytest -n 2 --dist loadfile -m slow

docs: env ## build the site in .cache/docs/site; a warning, such as a broken link, is an error
	python docs/pages.py .cache/docs
	zensical build --strict -f .cache/docs/zensical.toml

check: env ## format, lint, types
	ruff format --check .
	ruff check .
	mypy

format: env ## format the code and sort its imports
	ruff check --fix -q .
	ruff format -q .

lock: env ## pin the newest versions that pyproject.toml allows
	uv pip compile -q --universal --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --extra dev pyproject.toml -o requirements.lock

# --strict: a package that the database does not know is a failure, not a pass
audit: env ## ask for known vulnerabilities of the pinned packages (network)
	uvx pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements.lock

ui: env ## MLflow's pages, on this machine only
	ganpipe ui

clean: env ## remove what vanished variants, seeds and data sets left behind
	ganpipe clean
