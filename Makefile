# `make help` lists the targets. Needs Python 3.11 or newer with venv and pip, git and make; everything else is installed below this folder.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PYTEST_ARGS ?= -n 2
COVERAGE_ARGS ?= -n 2
UPGRADE ?=

UV := .venv-uv/bin/uv
BIN := .venv/bin
SAM := .venv-sam/bin/sam
DEV := .venv/.synced
SAM_READY := .venv-sam/.synced
LAYER_LOCKS := layers/runtime/requirements.txt layers/kube/requirements.txt

export SAM_CLI_TELEMETRY := 0
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1

##@ Use

.PHONY: run
run: $(DEV) ## Set up, then run the jobs of examples/ through the embedded stack
	@$(BIN)/prowless demo

.PHONY: local
local: $(DEV) ## Set up, then keep the embedded stack running for your own tries
	@$(BIN)/prowless local

##@ Develop

.PHONY: test
test: $(DEV) $(SAM_READY) ## Run all tests (PYTEST_ARGS="-n 2 tests/unit" for some)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: coverage
coverage: $(DEV) ## Run the unit tests and require that they take every branch of prowless.domain
	@rm -rf .coverage && mkdir .coverage
	@$(BIN)/coverage run -m pytest $(COVERAGE_ARGS) tests/unit tests/compat
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report

.PHONY: bench
bench: $(DEV) ## Show how long decisions and checks take; the ratios that must hold are tests/bench
	@$(BIN)/python -m tests.bench

.PHONY: lint
lint: lint-ruff lint-mypy lint-imports lint-statelint validate ## Check style, types, layering, state machine and template

.PHONY: lint-ruff lint-mypy lint-imports lint-statelint
lint-ruff: $(DEV)
	@echo "ruff"; $(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
lint-mypy: $(DEV)
	@echo "mypy"; $(BIN)/mypy --no-error-summary
lint-imports: $(DEV)
	@echo "import-linter"; out=$$($(BIN)/lint-imports 2>&1) || { echo "$$out"; exit 1; }
lint-statelint: $(DEV)
	@echo "statelint"; $(BIN)/statelint --yaml statemachines/prowjob.asl.yaml

.PHONY: fmt
fmt: $(DEV) ## Format the Python code and fix what can be fixed
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

.PHONY: lock
lock: $(UV) ## Compile the lock files again (UPGRADE=--upgrade for newer versions)
	@for name in dev sam; do echo "requirements/$$name.lock"; (cd requirements && ../$(UV) pip compile --quiet $(UPGRADE) --universal \
	    --python-version 3.11 --generate-hashes --no-annotate --no-header $$name.in -o $$name.lock); done
	@$(MAKE) layer-locks

# The layers ship the versions that the tests ran with, so their locks are constrained by dev.lock; kube leaves out what runtime has.
.PHONY: layer-locks
layer-locks: $(UV)
	@echo "layers/runtime/requirements.txt"
	@$(UV) pip compile --quiet $(UPGRADE) -c requirements/dev.lock --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
	    --generate-hashes --no-annotate --no-header layers/runtime/requirements.in -o layers/runtime/requirements.txt
	@echo "layers/kube/requirements.txt"
	@in_runtime=$$(sed -nE 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' layers/runtime/requirements.txt); \
	$(UV) pip compile --quiet $(UPGRADE) -c requirements/dev.lock --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
	    --generate-hashes --no-annotate --no-header $$in_runtime $(NOT_IN_KUBE) layers/kube/requirements.in -o layers/kube/requirements.txt
	@sed -i.bak '/^# The following packages were excluded/,$$d' $(LAYER_LOCKS) && rm -f $(LAYER_LOCKS:=.bak)

# Only kubernetes.aio imports these, and the layer's Makefile deletes it.
NOT_IN_KUBE := $(addprefix --no-emit-package ,aiohttp aiohttp-retry aiohappyeyeballs aiosignal attrs frozenlist multidict propcache yarl)

.PHONY: compatibility
compatibility: $(DEV) ## Write docs/compatibility.md from the registry in tests/compat
	@$(BIN)/python -m tests.compat.compatibility

##@ Deploy

.PHONY: validate
validate: $(SAM_READY) ## Check template.yaml as SAM and cfn-lint see it (no AWS account)
	@echo "sam validate --lint"; AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(SAM) validate --lint

.PHONY: build
build: $(SAM_READY) ## Build functions and layers for Lambda (no Docker, no AWS account)
	@for found in $${PYTHON313:-python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13.*/bin/python3.13} none; do \
	    "$$found" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && break; done; \
	echo "$$found" | cmp -s - .aws-sam/bytecode-by || rm -rf .aws-sam/cache; \
	PYTHON="$(CURDIR)/.venv-uv/bin/python" PYTHON313="$$found" $(SAM) build && echo "$$found" > .aws-sam/bytecode-by
	@for layer in ProwlessLayer RuntimeLayer KubeLayer; do \
	    printf '%-14s %4s MB, %5s .pyc\n' $$layer "$$(du -sm .aws-sam/build/$$layer | cut -f1)" "$$(find .aws-sam/build/$$layer -name '*.pyc' | wc -l)"; done

##@ Housekeeping

.PHONY: setup
setup: $(DEV) $(SAM_READY) ## Install everything that the other targets need
	@:

.PHONY: clean
clean: ## Remove what the targets made: environments, builds, caches
	@rm -rf .venv .venv-sam .venv-uv .aws-sam .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# ---- environments, each made once and again when its lock file changes ----------------------------------------------

$(UV): requirements/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Prowless needs Python 3.11 or newer; say which: make PYTHON=python3.12 …")'
	@echo "Setting up the installer (uv) in .venv-uv"
	@$(PYTHON) -m venv .venv-uv
	@.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $@

# The packages are used from where they are: a .pth file instead of an editable install, which would need a build backend.
$(DEV): requirements/dev.lock | $(UV)
	@echo "Installing what lint, tests and the embedded stack need in .venv (half a minute)"
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.lock
	@printf '%s\n' "$(CURDIR)/layers/prowless" "$(CURDIR)/local" > "$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/prowless.pth"
	@printf '#!/bin/sh\nexec "%s" -m prowless_local "$$@"\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/prowless && chmod +x $(BIN)/prowless
	@touch $@

$(SAM_READY): requirements/sam.lock | $(UV)
	@echo "Installing the SAM CLI in .venv-sam (half a minute)"
	@test -x .venv-sam/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv-sam
	@$(UV) pip sync --quiet --require-hashes --python .venv-sam/bin/python requirements/sam.lock
	@touch $@
