# make setup | demo | test | test-all | bench | lint | lock | clean
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
SETUP := layers/renderer/setup
STAMPS := $(VENV)/.stamps

.PHONY: setup demo test test-all bench lint lock clean
setup: $(STAMPS)/system $(STAMPS)/product $(STAMPS)/packages

$(STAMPS)/system: $(SETUP)/10-system.sh $(SETUP)/apt-packages.txt
	@$(SETUP)/10-system.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/python: $(SETUP)/20-python.sh requirements.lock requirements-dev.lock | $(STAMPS)/system
	@$(SETUP)/20-python.sh $(VENV) requirements.lock requirements-dev.lock
	@mkdir -p $(@D) && touch $@

$(STAMPS)/product: pyproject.toml $(STAMPS)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . \
	  || { echo "set-up step \"product\" failed: pip could not install this folder into $(VENV)" >&2; exit 1; }
	@$(BIN)/python -m compileall -q src
	@touch $@

$(STAMPS)/packages: $(SETUP)/30-packages.sh layers/renderer/package.json layers/renderer/package-lock.json | $(STAMPS)/python
	@$(SETUP)/30-packages.sh $(abspath $(VENV))
	@touch $@

demo: setup
	@mkdir -p out
	@$(BIN)/hyperframes-render render events/compositions/launch-promo -o out/launch.mp4
	@echo "The video is $(abspath out/launch.mp4)"

test: setup
	@$(BIN)/python -m pytest -m "not slow"

test-all: setup
	@$(BIN)/python -m pytest

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mypy tests/unit tests/integration tests/e2e && $(BIN)/lint-imports
	@MYPYPATH=src:tests/bench $(BIN)/mypy --explicit-package-bases tests/bench/*.py

bench: setup
	@tests/bench/setup.sh
	@$(BIN)/python tests/bench/bench.py

# Locks carry hashes and no addresses; run after changing pyproject.toml.
lock:
	@python3 -m venv .lock-venv && .lock-venv/bin/pip install --quiet uv
	@.lock-venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --quiet -o requirements.lock
	@.lock-venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --quiet -c requirements.lock -o requirements-dev.lock
	@cd layers/renderer && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
	@rm -rf .lock-venv

clean:
	rm -rf $(VENV) out
