#!/usr/bin/env bash
# The product itself in the virtual environment $1, from the current folder. The image's own; a laptop links the folder.
. "$(dirname "$0")/common.sh"
HINT="the folder must hold pyproject.toml, README.md and src"
venv=$1
# setuptools builds it and is not needed afterwards; the version is the one of requirements-dev.lock's time.
run "pip install setuptools" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "setuptools>=69"
run "pip install ." "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .
run "pip uninstall setuptools" "$venv/bin/python" -m pip uninstall --quiet --yes setuptools
