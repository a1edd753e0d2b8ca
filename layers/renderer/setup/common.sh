# Sourced by the set-up steps. Reports the step that fails and how to fix it.
set -euo pipefail
SETUP_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STEP=$(basename "$0" .sh)
trap 'status=$?; [ $status = 0 ] || echo "set-up step \"$STEP\" failed (status $status, line $LINENO): ${HINT:-see the lines above}" >&2' EXIT
say() { echo "[$STEP] $*" >&2; }
# run LABEL COMMAND...: prints the last 40 lines of the command's output if it fails, else only LABEL
run() {
  local label=$1 log; shift
  say "$label"
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then tail -n 40 "$log" >&2; rm -f "$log"; return 1; fi
  rm -f "$log"
}
