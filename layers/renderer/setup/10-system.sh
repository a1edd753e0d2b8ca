#!/usr/bin/env bash
# Installs Debian packages: Chromium's headless shell, fonts, Python, npm. Used by `make setup` and the container image.
# Argument "build": only the build tools (Python, npm, the library of the driver's Node, a compiler). "image": all but npm
# and the compiler. No argument: all.
. "$(dirname "$0")/common.sh"
HINT="install the packages listed in layers/renderer/setup/apt-packages.txt by hand, as root"
purpose=${1:-all}
wanted=()
while read -r package reason; do
  case "$package" in ''|'#'*) continue ;; esac
  case "$purpose $package $reason" in
    build\ python3* | build\ libatomic1\ * | build\ gcc\ * | build\ libc6-dev\ *) ;;
    build\ * | image\ *' not in the image') continue ;;
  esac
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || wanted+=("$package")
done <"$SETUP_DIR/apt-packages.txt"
# Debian's npm depends on hundreds of packages. It is installed only if the machine has no npm.
[ "$purpose" = image ] || command -v npm >/dev/null || wanted+=(npm)
[ ${#wanted[@]} -gt 0 ] || exit 0
sudo=()
[ "$(id -u)" = 0 ] || { command -v sudo >/dev/null || { say "not root, and there is no sudo"; exit 1; }; sudo=(sudo); }
export DEBIAN_FRONTEND=noninteractive
run "apt-get update" "${sudo[@]}" apt-get update
run "apt-get install ${wanted[*]}" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}"
