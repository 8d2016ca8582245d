# The front door. Every target sets up what it needs and says so; a second call starts at once.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SUITE ?= forward-parity

.DEFAULT_GOAL := help
.PHONY: docs help setup format lint types layers test check forward-parity-baseline quick guard-power verify faults bench-evidence

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-26s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml requirements.lock
	@echo "setup: making $(VENV) with $(PYTHON) and installing the locked packages (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock "torch==2.13.0"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[dev]"
	@touch $@
	@echo "setup: done"

setup: $(READY) ## Make the virtual environment

format: $(READY) ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only --quiet .

lint: $(READY) ## Check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY) ## Check types
	@$(BIN)/mypy

layers: $(READY) ## Check the import layers
	@$(BIN)/lint-imports

test: $(READY) ## Run the tests (T=path, K=pattern)
	@$(BIN)/python -m pytest $(if $(T),$(T),tests) $(if $(K),-k "$(K)",) -m "not gpu and not long"

check: lint types layers test ## What CI runs

forward-parity-baseline: $(READY) ## Run the suite (DATASET=train.npz TEST_DATASET=test.npz)
	@$(BIN)/harness run forward-parity $(if $(DATASET),--dataset "$(DATASET)",) $(if $(TEST_DATASET),--test-dataset "$(TEST_DATASET)",)

quick: $(READY) ## The same road made short, for pull requests
	@$(BIN)/harness run quick $(if $(DATASET),--dataset "$(DATASET)",) $(if $(TEST_DATASET),--test-dataset "$(TEST_DATASET)",)

guard-power: $(READY) ## Plant every defect and measure false alarms (CLEAN=30)
	@$(BIN)/harness drill --clean $(or $(CLEAN),30) --report docs/guard-power.md

verify: $(READY) ## Re-prove a hub (HUB=hubs/<suite>/<run id>)
	@$(BIN)/harness verify --hub "$(HUB)"

faults: $(READY) ## Break real stores in every way and write docs/reliability.md (KILLS=500)
	@$(BIN)/python -m tests.faults $(if $(KILLS),--kills $(KILLS),)

bench-evidence: $(READY) ## Measure verify and the ledger beside other tools, write docs/evidence-speed.md
	@$(BIN)/python benchmarks/bench_evidence.py

docs: $(READY) ## Build the documentation strictly into site/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock mkdocs
	@$(BIN)/mkdocs build --quiet --clean
	@echo "docs: site/index.html"
