#!/usr/bin/env bash
# Creates the virtual environment $1 with the locked packages of the files $2...
. "$(dirname "$0")/common.sh"
HINT="remove the folder $1 and try again; PyPI must be reachable"
venv=$1; shift
[ -x "$venv/bin/python" ] || run "make $venv" python3 -m venv ${VENV_OPTIONS:-} "$venv"
arguments=()
for lock in "$@"; do arguments+=(-r "$lock"); done
# uv (path in $UV) takes a tenth of pip's time. It does not read pip's configuration, so pip is the fallback.
if [ -x "${UV:-}" ]; then
  if run "uv pip install --require-hashes $*" "$UV" pip install --quiet --python "$venv/bin/python" --no-deps --require-hashes "${arguments[@]}"; then
    exit
  fi
  say "uv failed, trying pip"
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || run ensurepip "$venv/bin/python" -m ensurepip
fi
run "pip install --require-hashes $*" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "${arguments[@]}"
