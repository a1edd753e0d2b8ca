#!/usr/bin/env bash
# run.sh ROOT COMPOSITION.html VIDEO: renders through the whole stack with plan, render_chunk and assemble inside ROOT
# (see build-root.sh) under Lambda's conditions: a read-only root, only /tmp writable, no /dev/shm, a user id without a
# passwd entry, HOME unset, prctl(2) refused, and a network of only loopback, which has the services. Needs root.
# Prints sizes, start times and facts of the videos; docs/guides/local.md shows the output of a run.
set -euo pipefail
root=$(realpath "${1:?the root file system}"); page=$(realpath "${2:?a composition}"); video=$(realpath -m "${3:?a file}")
project=$(cd "$(dirname "$0")/../../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "run.sh must be run as root" >&2; exit 1; }
[ "${4:-}" = inside ] || exec unshare --mount --net -- "$0" "$root" "$page" "$video" inside
mount --make-rprivate /
ip link set lo up
mount --bind "$root" "$root"
mount --options remount,bind,ro "$root"
mount --types tmpfs --options size=4g,mode=1777 tmpfs "$root/tmp"
mount --types tmpfs --options mode=755 tmpfs "$root/dev"
for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9"; do
  read -r name major minor <<<"$device"; mknod --mode 666 "$root/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd "$root/dev/fd"
mount --types proc proc "$root/proc"
exec "$project/.venv/bin/python" "$project/layers/renderer/prove/run.py" "$root" "$page" "$video"
