#!/usr/bin/env bash
# The virtual environment $1 with exactly the locked packages of the files $2...
. "$(dirname "$0")/common.sh"
HINT="remove the folder $1 and try again; PyPI must be reachable"
venv=$1; shift
[ -x "$venv/bin/python" ] || run "make $venv" python3 -m venv "$venv"
arguments=()
for lock in "$@"; do arguments+=(-r "$lock"); done
run "pip install --require-hashes $*" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "${arguments[@]}"
