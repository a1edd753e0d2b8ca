#!/usr/bin/env bash
# The product itself in the virtual environment $1, from the current folder. The image's own; a laptop links the folder.
. "$(dirname "$0")/common.sh"
HINT="the folder must hold pyproject.toml, README.md, src and requirements/build.lock"
venv=$1
# setuptools builds it and is not needed afterwards.
run "pip install setuptools" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
run "pip install ." "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .
run "pip uninstall setuptools" "$venv/bin/python" -m pip uninstall --quiet --yes setuptools
