# `make help` lists what can be made.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
SETUP := layers/renderer/setup
STAMPS := $(VENV)/.stamps

.PHONY: help setup demo test test-all fuzz attack chaos soak bench load cost parity lint lint-template audit bom lock clean
help:  ## List what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(STAMPS)/system $(STAMPS)/product $(STAMPS)/driver $(STAMPS)/packages $(STAMPS)/stack  ## Install all that is needed on a Debian machine

$(STAMPS)/system: $(SETUP)/10-system.sh $(SETUP)/apt-packages.txt
	@$(SETUP)/10-system.sh
	@mkdir -p $(@D) && touch $@

# Installs and locks packages. Set-up can do without it, with pip, in minutes more.
export UV := $(abspath $(VENV))/uv/bin/uv
$(STAMPS)/uv: requirements/uv.lock | $(STAMPS)/system
	@UV= $(SETUP)/20-python.sh $(VENV)/uv $< || echo "set-up goes on with pip" >&2
	@mkdir -p $(@D) && touch $@

$(STAMPS)/python: $(SETUP)/20-python.sh requirements/product.lock requirements/dev.lock | $(STAMPS)/system $(STAMPS)/uv
	@$(SETUP)/20-python.sh $(VENV) requirements/product.lock requirements/dev.lock
	@mkdir -p $(@D) && touch $@

$(STAMPS)/product: pyproject.toml $(STAMPS)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . \
	  || { echo "set-up step \"product\" failed: pip could not install this folder into $(VENV)" >&2; exit 1; }
	@$(BIN)/python -m compileall -q src
	@touch $@

$(STAMPS)/packages: $(SETUP)/30-packages.sh $(wildcard layers/renderer/package*.json layers/renderer/packages.toml layers/renderer/bundler/*.json $(SETUP)/modules.mjs) | $(STAMPS)/python
	@$(SETUP)/30-packages.sh $(abspath $(VENV))
	@touch $@

$(STAMPS)/driver: $(SETUP)/45-driver.sh src/hyperframes_render/sandbox/confined.c $(STAMPS)/python
	@$(SETUP)/45-driver.sh $(abspath $(VENV))
	@touch $@

# The stack on one machine: emulator, SAM and the functions' runtime pin packages that clash, so each has its own place.
STACK := $(VENV)/stack
STACK_PARTS := $(STAMPS)/stack-emulator $(STAMPS)/stack-sam $(STAMPS)/stack-runtime $(STAMPS)/stack-layer
# The public clients that tests use, as their users install them.
STACK_PARTS += $(STAMPS)/stack-sdk-new $(STAMPS)/stack-sdk-old $(STAMPS)/stack-sdk-js
$(STAMPS)/stack: $(STACK_PARTS)
	@touch $@

$(STAMPS)/stack-%: requirements/%.lock $(SETUP)/20-python.sh | $(STAMPS)/python
	@PIP_NO_DEPS=1 VENV_OPTIONS=$$([ -x $(UV) ] && echo --without-pip) $(SETUP)/20-python.sh $(STACK)/$* $<
	@touch $@

$(STAMPS)/stack-layer: layers/dependencies/requirements.lock layers/dependencies/Makefile | $(STAMPS)/python
	@echo "[stack] dependencies layer" >&2
	@$(MAKE) --no-print-directory --silent -C layers/dependencies build-DependenciesLayer \
	  PYTHON=$(abspath $(BIN)/python) ARTIFACTS_DIR=$(abspath $(STACK)/layer) >$@.log 2>&1 \
	  || { cat $@.log >&2; echo "set-up step \"stack-layer\" failed: PyPI must be reachable; see the lines above" >&2; exit 1; }
	@rm -f $@.log; touch $@

$(STAMPS)/stack-sdk-js: tests/e2e/sdk/package.json tests/e2e/sdk/package-lock.json | $(STAMPS)/system
	@echo "[stack] JavaScript client" >&2
	@mkdir -p $(STACK)/sdk-js $(@D) && cp $^ $(STACK)/sdk-js/
	@npm ci --prefix $(STACK)/sdk-js --ignore-scripts --no-audit --no-fund --silent \
	  || { echo "set-up step \"stack-sdk-js\" failed: the npm registry must be reachable" >&2; exit 1; }
	@touch $@

# The formatter, linter and type checker of the scripts that run inside the page.
$(STAMPS)/js-tools: tools/js/package.json tools/js/package-lock.json | $(STAMPS)/system
	@echo "[js-tools] npm ci" >&2
	@mkdir -p $(VENV)/js-tools $(@D) && cp $^ $(VENV)/js-tools/
	@npm ci --prefix $(VENV)/js-tools --ignore-scripts --no-audit --no-fund --silent \
	  || { echo "set-up step \"js-tools\" failed: the npm registry must be reachable" >&2; exit 1; }
	@touch $@

demo: setup  ## Render a composition through the stack: out/launch.mp4
	@mkdir -p out
	@$(BIN)/python -m hyperframes_render.local.demo events/compositions/launch-promo out/launch.mp4 .demo
	@echo "The video is $(abspath out/launch.mp4)"

# The official renderer, to compare with, is installed like the benchmark's; without it those tests say so and are skipped.
# Three workers for two processors: some tests wait for a clock or a process.
test: setup  ## Set up and run the tests (at most 15 minutes on 2 processors)
	@tests/bench/setup.sh || true
	@$(BIN)/python -m pytest -n 3 -m "not slow"

test-all: setup  ## Run every test, the slow ones too (about an hour)
	@tests/bench/setup.sh || true
	@$(BIN)/python -m pytest -n 2

# Every attack with its control and without, and the table in docs/reference/security.md. Needs root; half an hour.
attack: setup  ## Run every attack with its control and without, and write the table of docs/reference/security.md
	@HYPERFRAMES_RENDER_ATTACK_TABLE=docs/reference/security.md $(BIN)/python -m pytest -n 2 tests/attack

lint: setup $(STAMPS)/js-tools  ## Check style, types and layers
	@$(VENV)/js-tools/node_modules/.bin/biome check --config-path=tools/js src/hyperframes_render/browser/js tests/js
	@$(VENV)/js-tools/node_modules/.bin/tsc --project tools/js
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mypy tests/unit tests/integration tests/e2e tests/parity tests/fuzz tests/chaos tests/attack && $(BIN)/lint-imports
	@MYPYPATH=src:tests/bench $(BIN)/mypy --explicit-package-bases tests/bench/*.py
	@$(BIN)/mypy tools/bom.py tools/audit.py tools/cli_reference.py tools/error_reference.py tools/library_reference.py tools/add_package.py

# The template's own lints; checkov is large, so it has its own place and is installed when first needed.
lint-template: setup $(STAMPS)/stack-checks  ## Check template.yaml with its own linters
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(STACK)/sam/bin/sam validate --lint
	@$(STACK)/checks/bin/cfn-lint --config-file tests/lint/cfn-lint.yaml
	@$(STACK)/checks/bin/checkov --config-file tests/lint/checkov.yaml

# Known vulnerabilities in what is locked. "Error 1": one was found; "Error 3": not all could be looked up from here.
audit: setup $(STAMPS)/stack-audit  ## Look up known vulnerabilities of what is locked
	@$(BIN)/python tools/audit.py $(abspath $(STACK))/audit/bin/pip-audit

# The bill of materials, from what is installed here; of an image that was built: see tools/bom.py.
bom: setup  ## Write the bill of materials and docs/reference/licences.md
	@$(BIN)/python tools/bom.py --venv $(VENV) -o out/bom.json --licences docs/reference/licences.md

# Many cases of everything that strangers may send (docs/reports/fuzzing.md); other ones with another seed.
CASES ?= 100000
SEED ?= 1
fuzz: setup $(STAMPS)/stack-fuzz  ## Try CASES=100000 inputs, from SEED=1 on
	@FUZZ_CASES=$(CASES) $(BIN)/python -m pytest tests/fuzz --hypothesis-seed=$(SEED) -o timeout=0
	@for reader in archive sidecar; do PYTHONPATH=$$(echo $(STACK)/fuzz/lib/python3*/site-packages) \
	  $(BIN)/python -m tests.fuzz.guided $$reader $(CASES) $(SEED) || exit 1; done

# Renders every composition of tests/parity with both programs and writes docs/reports/fidelity.md. Some minutes.
parity: setup  ## Compare with the official renderer and write docs/reports/fidelity.md
	@tests/bench/setup.sh
	@$(BIN)/python -m tests.parity.report

# Sizes are variables: make load POSTS=200 TASKS=2000 STREAMS=500 KILLS=20
POSTS ?= 200
TASKS ?= 400
STREAMS ?= 100
KILLS ?= 5
load: setup  ## Send POSTS, TASKS and STREAMS at once, with KILLS
	@$(BIN)/python tests/load/load.py --posts $(POSTS) --tasks $(TASKS) --streams $(STREAMS) --kills $(KILLS)

MINUTES ?= 60
soak: setup  ## Render for MINUTES=60
	@$(BIN)/python tests/load/soak.py --minutes $(MINUTES)

# The same seed makes the same schedule. REAL=--real takes the real renderer instead of a quick stand-in.
FAULTS ?= 60
SECONDS_OF_FAULTS ?= 240
REAL ?=
chaos: TASKS = 1000
chaos: setup  ## Break services while TASKS=1000 run, from SEED=1 on
	@dpkg -s faketime >/dev/null 2>&1 || apt-get install -y --no-install-recommends faketime >/dev/null \
	  || echo "no faketime: clocks stay right" >&2
	@$(BIN)/python -m tests.chaos.run --seed $(SEED) --tasks $(TASKS) --faults $(FAULTS) --seconds $(SECONDS_OF_FAULTS) $(REAL)

bench: setup  ## Measure against the official renderer
	@tests/bench/setup.sh
	@$(BIN)/python tests/bench/bench.py

cost: setup  ## Write docs/guides/cost.md from the cost model
	@$(BIN)/python tests/bench/cost.py

# Locks carry hashes and no addresses; run after changing pyproject.toml.
LOCK = $(UV) pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --no-header --quiet
PRODUCT := pyproject.toml --extra aws --extra api --extra serve --extra submit
lock: $(STAMPS)/uv  ## Lock the packages anew
	@$(LOCK) $(PRODUCT) -o requirements/product.lock
	@$(LOCK) $(PRODUCT) --extra dev -c requirements/product.lock -o requirements/dev.lock
	@$(LOCK) layers/dependencies/requirements.in -c requirements/product.lock -o layers/dependencies/requirements.lock
	@$(LOCK) requirements/runtime.in -c requirements/product.lock -o requirements/runtime.lock
	@$(LOCK) requirements/emulator.in -o requirements/emulator.lock
	@$(LOCK) requirements/sam.in -o requirements/sam.lock
	@$(LOCK) requirements/sdk-new.in -o requirements/sdk-new.lock
	@$(LOCK) requirements/sdk-old.in -o requirements/sdk-old.lock
	@cd tests/e2e/sdk && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
	@$(LOCK) requirements/checks.in -o requirements/checks.lock
	@$(LOCK) requirements/uv.in -o requirements/uv.lock
	@$(LOCK) requirements/build.in -c requirements/dev.lock -o requirements/build.lock
	@$(LOCK) requirements/audit.in -o requirements/audit.lock
	@$(LOCK) requirements/fuzz.in -o requirements/fuzz.lock
	@cd tools/js && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
	@cd layers/renderer && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --legacy-peer-deps
	@cd layers/renderer/bundler && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

clean:  ## Remove what was installed and made
	rm -rf $(VENV) out .demo
