# Everything a developer or a newcomer types. The environment is made on first use.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
SHAPED := solver shards tokens expected_q seat
export PYTHONDONTWRITEBYTECODE :=
export DO_NOT_TRACK := 1
export ORT_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

env: .venv/.ready ## the environment in .venv (made on first use by the others)

.venv/.ready: pyproject.toml constraints.txt
	@echo "Making the environment in .venv (a few minutes, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
		|| { echo "Python 3.11 or 3.12 is needed; name one with: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --constraint constraints.txt torch==2.13.0 2>&1 | grep -v ' is ignored: ' || true
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,modal]' 2>&1 | grep -v ' is ignored: ' || true
	@$(BIN)/pip check --quiet
	@$(BIN)/python -m compileall -q -j 2 .venv/lib > /dev/null 2>&1 || true
	@touch $@

demo: env ## the whole chain on this machine, in minutes
	@$(BIN)/forge pipeline --preset demo

check: env ## format, lint (security too), dependencies, types, import contracts
	$(BIN)/pip check --quiet
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/pyright -p tests
	$(BIN)/lint-imports

test: env ## all fast tests
	$(BIN)/pytest -n 2 --dist loadscope

test-slow: env ## the long ones: servers, workers, PostgreSQL, a person in the Prefect UI, a few disturbances, array shapes, coverage (minutes)
	$(BIN)/pytest -m slow -n 2 --dist loadscope
	FORGE_TEST_SHAPES=1 $(BIN)/pytest -n 2 --dist loadscope \
		$(SHAPED:%=tests/unit/%) $(SHAPED:%=--cov=forge_core.%)

coverage: env ## all fast tests, and which part of the code they run (twice as long)
	$(BIN)/pytest -n 2 --dist loadscope $(addprefix --cov=,forge_core forge_view tasks flows configs deployments)

test-gpu: env ## those that need a CUDA device
	$(BIN)/pytest -m gpu

test-live: env ## those that need a Modal account
	$(BIN)/pytest -m live

chaos: env ## disturb 200 runs at random moments and see that they end the same (an hour or two)
	$(BIN)/python -m tests.chaos --faults 200 --json bench/results/chaos.json

bench: env ## every benchmark, quickly
	for script in bench/*.py; do $(BIN)/python $$script --quick || exit 1; done

format: env ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: env ## the documentation site in build/site (adds its tools to the environment)
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]' 2>&1 | grep -v ' is ignored: ' || true
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean: ## forget compiled kernels and caches (not the environment, not .forge)
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	rm -rf .pytest_cache .ruff_cache .hypothesis build

.PHONY: help env demo check test test-slow coverage test-gpu test-live chaos bench format docs clean
