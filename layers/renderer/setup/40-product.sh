#!/usr/bin/env bash
# Installs hyperframes-render from the current folder in the virtual environment $1, for the image. `make setup` links the
# folder instead.
. "$(dirname "$0")/common.sh"
HINT="the folder must hold pyproject.toml, README.md, src and requirements/build.lock"
venv=$1
# setuptools is needed only to build the package.
run "pip install setuptools" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
run "pip install ." "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .
run "pip uninstall setuptools" "$venv/bin/python" -m pip uninstall --quiet --yes setuptools
