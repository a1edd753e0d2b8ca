# Sourced by the set-up steps: names the step that fails and what to do about it.
set -euo pipefail
SETUP_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STEP=$(basename "$0" .sh)
trap 'status=$?; [ $status = 0 ] || echo "set-up step \"$STEP\" failed (status $status, line $LINENO): ${HINT:-see the lines above}" >&2' EXIT
say() { echo "[$STEP] $*" >&2; }
# run LABEL COMMAND...: quiet while all is well, everything it printed when it fails
run() {
  local label=$1 log; shift
  say "$label"
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then tail -n 40 "$log" >&2; rm -f "$log"; return 1; fi
  rm -f "$log"
}
