# The front door. Every target sets up what it needs and says so; a second call starts at once.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SUITE ?= forward-parity
# Processes that share the tests; a part (T, K) starts at once in one.
WORKERS ?= 2
# Hundreds of tests start the harness: without bytecode each start compiles it anew.
unexport PYTHONDONTWRITEBYTECODE
# Seconds after which a single test has hung; the slowest takes about a tenth of it.
TEST_TIMEOUT ?= 300
SHARED := $(if $(T)$(K),,-n $(WORKERS) --dist worksteal)
# The model package is a distribution of its own beside the harness.
MODEL := packaging/ptycho-torch
# TensorFlow has an environment of its own: a gigabyte that nothing else needs.
TF_VENV := .venv-tf
TF_READY := $(TF_VENV)/.ready
# What builds the distributions.
DIST_READY := .venv-dist/.ready
# pty-chi and what it imports, for the one part of the benchmarks that stands beside it.
SOLVER_READY := $(VENV)/.solver-ready
WANTS_SOLVER := $(if $(PARTS),$(filter quality,$(PARTS)),quality)

# Makes an environment of a few packages more that imports the locked ones.
BESIDE_LOCKED := $(BIN)/python -m proofs.beside

# Runs a command without network, where the system lets its user cut it.
WITHOUT_NETWORK = $$(unshare --map-root-user --net true 2>/dev/null && echo unshare --map-root-user --net)

.DEFAULT_GOAL := help
.PHONY: docs docs-commands help setup format lint types layers test test-long check forward-parity-baseline suites quick numerics guard-power gate-power cause-power unknown-defects verify faults models browser screenshots bench-site bench-evidence bench-model bench-cluster bench-memory bench-layout bench-tf quality scans refine electrons defects test-tf tf-parity tf-quick test-crate test-bom test-model-signing test-peers test-notes test-mlflow test-s3 bench dist adopt adopt-repositories

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-26s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml $(MODEL)/pyproject.toml requirements.lock
	@echo "setup: making $(VENV) with $(PYTHON) and installing the locked packages (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock "torch==2.13.0"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[dev]" -e $(MODEL)
	@touch $@
	@echo "setup: done"

$(TF_READY): $(READY)
	@echo "setup: making $(TF_VENV) with TensorFlow beside the locked packages (once, about a minute)"
	@$(BESIDE_LOCKED) $(TF_VENV)
	@$(TF_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e . -e "$(MODEL)[tf]"
	@touch $@
	@echo "setup: done"

$(SOLVER_READY): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e "$(MODEL)[quality]"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "ptychi==2.2.0"
	@touch $@

setup: $(READY) ## Make the virtual environment

format: $(READY) ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only --quiet .

lint: $(READY) ## Check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY) ## Check types
	@$(BIN)/mypy

layers: $(READY) ## Check the import layers
	@$(BIN)/lint-imports

test: $(READY) ## Run the tests (T=path, K=pattern, WORKERS=2)
	@$(BIN)/python -m pytest $(if $(T),$(T),tests) $(if $(K),-k "$(K)",) $(SHARED) --timeout $(TEST_TIMEOUT) -m "not gpu and not long"

test-long: $(READY) ## Run the proofs of minutes: killed and joint trainings, lost workers, the pages typed
	@$(BIN)/python -m pytest $(if $(T),$(T),tests) $(if $(K),-k "$(K)",) $(SHARED) -m "long and not gpu"

test-tf: $(TF_READY) ## Test the TensorFlow backend, in an environment of its own
	@$(TF_VENV)/bin/python -m pytest $(if $(T),$(T),tests/tf_helper tests/ptycho_torch/backends) $(if $(K),-k "$(K)",)

tf-parity: $(TF_READY) ## Run the suite that holds TensorFlow against PyTorch
	@$(TF_VENV)/bin/harness run tf-parity

tf-quick: $(TF_READY) ## Run suite quick's road by TensorFlow, judged by PyTorch's goldens
	@$(TF_VENV)/bin/harness run tf-quick

bench-tf: $(TF_READY) ## Measure both backends side by side, write docs/backends.md (QUICK=1)
	@$(TF_VENV)/bin/python -m benchmarks.bench_backends $(if $(QUICK),--quick,)

check: lint types layers test ## What CI runs

forward-parity-baseline: $(READY) ## Run the suite (DATASET=train.npz TEST_DATASET=test.npz)
	@$(BIN)/harness run forward-parity $(if $(DATASET),--dataset "$(DATASET)",) $(if $(TEST_DATASET),--test-dataset "$(TEST_DATASET)",)

suites: $(READY) ## Run quick, scaling and gridsize1: as they are committed they must be green
	@for suite in quick scaling gridsize1; do $(BIN)/harness run $$suite --quiet || exit 1; done

quick: $(READY) ## The same road made short, for pull requests
	@$(BIN)/harness run quick $(if $(DATASET),--dataset "$(DATASET)",) $(if $(TEST_DATASET),--test-dataset "$(TEST_DATASET)",)

guard-power: $(TF_READY) ## Plant every defect and measure false alarms (CLEAN=30 CLEAN_SUITE=smoke)
	@$(TF_VENV)/bin/harness drill --clean $(or $(CLEAN),30) --clean-suite $(or $(CLEAN_SUITE),smoke) --doses --report docs/guard-power.md

numerics: $(READY) ## Measure rounding on other machines and planted doses, write docs/numerics.md (goes on where it was stopped)
	@$(BIN)/python -m proofs.numerics

gate-power: $(READY) ## Weaken a gate in every way and write docs/gate-power.md (goes on where it was stopped)
	@$(BIN)/python -m proofs.weakenings --keep .harness/gate-power

unknown-defects: $(READY) ## Plant what nobody here had thought of, write docs/unknown-defects.md (goes on where it was stopped)
	@$(BIN)/python -m proofs.unknown

.PHONY: history-power
history-power: $(READY) ## Measure what a history notices beside Apache Otava, write docs/history-power.md (QUICK=1; goes on where it was stopped)
	@$(BESIDE_LOCKED) .venv-otava
	@.venv-otava/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "apache-otava==0.8.0"
	@.venv-otava/bin/python -m proofs.history $(if $(QUICK),--quick,)

cause-power: $(TF_READY) ## Plant all defects, read what is said of them, write docs/cause-power.md (goes on where it was stopped)
	@$(TF_VENV)/bin/python -m proofs.causes

verify: $(READY) ## Re-prove a hub (HUB=hubs/<suite>/<run id>)
	@$(BIN)/harness verify --hub "$(HUB)"

faults: $(READY) ## Break real stores in every way and write docs/reliability.md (KILLS=500)
	@$(BIN)/python -m proofs.faults $(if $(KILLS),--kills $(KILLS),)

models: $(READY) ## Try what is claimed of models that travel, write the table of docs/reliability.md (ROWS="kills lies")
	@$(WITHOUT_NETWORK) $(BIN)/python -m proofs.models $(foreach row,$(ROWS),--only $(row))

.PHONY: fuzz mutants
fuzz: $(READY) ## Read 10,000 bent stores by every command (MINUTES=8; goes on where it was stopped)
	@$(BIN)/python -m proofs.fuzz --failed $(if $(MINUTES),--minutes $(MINUTES),)

mutants: $(READY) ## Change a token of the judges and see a test fail (MINUTES=8; goes on where it was stopped)
	@test -x .venv-mutants/bin/python || $(PYTHON) -m venv .venv-mutants
	@.venv-mutants/bin/python -m pip install --quiet --disable-pip-version-check "cosmic-ray==8.7.0"
	@.venv-mutants/bin/python proofs/mutants/sample.py proofs/mutants/sample.json 262 18
	@$(BIN)/python -m proofs.mutants $(if $(MINUTES),--minutes $(MINUTES),)

browser: $(READY) ## Open report and site in Chromium (needs chromium on the path)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[browser]"
	@$(BIN)/python -m pytest tests/browser

test-crate: $(READY) ## Validate exported RO-Crates with the public validator
	@test -x .venv-crate/bin/python || $(PYTHON) -m venv .venv-crate
	@.venv-crate/bin/python -m pip install --quiet --disable-pip-version-check "roc-validator==0.13.0"
	@$(BIN)/python -m pytest tests/harness/sharing/export/test_crate.py

test-bom: $(READY) ## Validate exported ML-BOMs with the public CycloneDX validator
	@test -x .venv-bom/bin/python || $(PYTHON) -m venv .venv-bom
	@.venv-bom/bin/python -m pip install --quiet --disable-pip-version-check "cyclonedx-python-lib[json-validation]==11.12.0"
	@$(BIN)/python -m pytest tests/harness/sharing/export/test_cyclonedx.py

test-mlflow: $(READY) ## Test the MLflow export with its library, in an environment of its own
	@$(BESIDE_LOCKED) .venv-mlflow
	@.venv-mlflow/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock mlflow-skinny sqlalchemy alembic
	@.venv-mlflow/bin/python -m pytest -p no:anyio tests/harness/sharing/export/test_tracking.py

test-model-signing: $(READY) ## Hold signed models against public programs, with the network cut where that is allowed
	@$(BESIDE_LOCKED) .venv-signing
	@.venv-signing/bin/python -m pip install --quiet --disable-pip-version-check "model-signing==1.1.1" pyopenssl
	@$(WITHOUT_NETWORK) .venv-signing/bin/python -m pytest -p no:anyio $(addprefix tests/harness/sharing/export/test_,model_signature.py signed_model.py export.py summary.py)

test-peers: $(READY) ## Let cdtools and ptychodus read and write scans, in an environment of their own
	@$(BESIDE_LOCKED) .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "cdtools-py==0.3.2" "ptychodus==1.7.0"
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock "hdf5plugin>=5" python-dateutil pyyaml scikit-image pydantic
	@.venv-peers/bin/python -m pytest -p no:anyio tests/ptycho_torch/data/test_peers.py

test-notes: $(READY) ## Hold checkpoints and proofs against Go's note and tlog (needs golang-go, golang-golang-x-mod-dev)
	@$(WITHOUT_NETWORK) $(BIN)/python -m pytest tests/harness/evidence/ledger/test_go_judge.py

test-s3: $(READY) ## Test `harness store` against a local S3 server, in an environment of its own
	@$(BESIDE_LOCKED) .venv-s3
	@.venv-s3/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock s3fs "moto[s3]" flask flask-cors
	@.venv-s3/bin/python -m pytest -p no:anyio tests/harness/sharing/remote

screenshots: $(READY) ## Take the pictures of report and site into docs/pictures/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[browser]"
	@$(BIN)/python -m proofs.browser

bench: $(READY) $(if $(WANTS_SOLVER),$(SOLVER_READY)) ## Measure everything in turn, write docs/benchmarks.md (QUICK=1 PARTS="model evidence" AGAIN=1 PEERS=folder)
	@$(BIN)/python -m benchmarks.bench $(PARTS) $(if $(QUICK),--quick,) $(if $(AGAIN),--again,) $(if $(PEERS),--peers "$(PEERS)",) $(if $(STAR),--star "$(STAR)",)

bench-site: $(READY) ## Measure the site of many hubs, write docs/site-speed.md (HUBS=1000)
	@$(BIN)/python -m benchmarks.bench_site --keep $(if $(HUBS),--hubs $(HUBS),)

bench-evidence: $(READY) ## Measure verify and the ledger beside other tools, write docs/evidence-speed.md
	@$(BIN)/python -m benchmarks.bench_evidence

bench-memory: $(READY) ## Measure memory and time against the size of a scan, write docs/scaling.md (SMALL=1)
	@$(BIN)/python -m benchmarks.bench_memory $(if $(SMALL),--small,)
	@$(BIN)/python -m proofs.docs

bench-layout: $(READY) ## Measure hubs, ledger and site against their number, write docs/scaling.md (SMALL=1)
	@$(BIN)/python -m benchmarks.bench_layout $(if $(SMALL),--small,)
	@$(BIN)/python -m proofs.docs

bench-cluster: $(READY) ## Measure many runs on simulated and real workers, write docs/cluster-speed.md (RUNS=24)
	@$(BIN)/python -m benchmarks.bench_cluster simulated --keep
	@$(BIN)/python -m benchmarks.bench_cluster real --keep $(if $(RUNS),--runs $(RUNS),)

bench-model: $(READY) ## Measure the model beside a plain variant, write docs/performance.md (QUICK=1)
	@$(BIN)/python -m benchmarks.bench_model $(if $(QUICK),--quick,)

quality: $(SOLVER_READY) ## Train on simulated and real data beside an iterative solver, write docs/quality.md (EPOCHS="10 50")
	@$(BIN)/python -m benchmarks.quality $(if $(EPOCHS),--epochs $(EPOCHS),) $(if $(STAR),--star "$(STAR)",)
	@$(BIN)/python -m proofs.docs

scans: $(READY) ## Train on kinds of scans by several seeds, write docs/quality.md (STAR=folder ONLY="star embedded" LIMIT=12; goes on where it was stopped)
	@$(BIN)/python -m benchmarks.bench_scans $(if $(STAR),--star "$(STAR)",) $(if $(ONLY),--only $(ONLY),) $(if $(LIMIT),--limit $(LIMIT),)
	@$(BIN)/python -m proofs.docs

refine: $(SOLVER_READY) ## Measure sweeps of refinement beside an iterative solver, write docs/quality.md (STAR=folder)
	@$(BIN)/python -m benchmarks.bench_refine $(if $(STAR),--star "$(STAR)",)
	@$(BIN)/python -m proofs.docs

electrons: $(READY) ## Measure sweeps on electron scans by dose, write docs/quality.md (goes on where it was stopped)
	@$(BIN)/python -m benchmarks.bench_electrons
	@$(BIN)/python -m proofs.docs

defects: $(READY) ## Plant each documented defect, see its test fail, write docs/upstream-defects.md
	@$(BIN)/python -m proofs.defects

docs-commands: $(READY) ## Type every command of README and docs (RENEW=1 shows today's answers)
	@$(BIN)/python -m $(if $(RENEW),proofs.docs.renew,pytest tests/docs/test_commands.py)

$(DIST_READY): requirements.lock
	@$(PYTHON) -m venv .venv-dist
	@.venv-dist/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock hatchling "twine==7.0.0"
	@touch $@

dist: $(DIST_READY) ## Build wheel and sdist of harness and model into dist/, twice, and compare them
	@.venv-dist/bin/python -m proofs.distributions dist

adopt: dist ## Install the wheel in each Python at hand and take it into repositories (PYTHONS="3.11 3.13")
	@$(PYTHON) -m proofs.adopt $(PYTHONS)

adopt-repositories: $(READY) dist ## Take the wheel into released repositories of others, and plant a defect in each
	@$(BIN)/python -m proofs.adopt --repositories

docs: $(READY) ## Build the documentation strictly into site/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock mkdocs
	@$(BIN)/mkdocs build --quiet --clean
	@echo "docs: site/index.html"
