#!/usr/bin/env bash
# build-root.sh ROOT: the image's file system without Docker: debootstrap for its base, then the Dockerfile's own steps
# in a chroot, in its order. Root is needed. What this machine uses to reach its package sources (apt, pip and npm
# settings, certificates) is mounted while it builds and is not in the result.
set -euo pipefail
root=$(realpath -m "${1:?the folder to build in}")
project=$(cd "$(dirname "$0")/../../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "build-root.sh must be run as root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "install debootstrap first" >&2; exit 1; }
if [ "${2:-}" != inside ]; then exec unshare --mount -- "$0" "$root" inside; fi
mount --make-rprivate /

mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
mirror=${mirror:-$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p' /etc/apt/sources.list 2>/dev/null | head -n 1)}
mkdir -p "$root"
[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.debootstrap.log"

borrow() {  # borrow PATH: this machine's file or folder PATH, inside, as long as it builds
  local from to; from=$(realpath "$1" 2>/dev/null) || return 0
  to=$root$1
  if [ -d "$from" ]; then mkdir -p "$to"; else mkdir -p "$(dirname "$to")"; [ -e "$to" ] || : >"$to"; fi
  mount --bind "$from" "$to"
  mount -o remount,bind,ro "$to"
}
# Certificates that this machine trusts, under a name of their own: the packages inside write theirs to /etc/ssl/certs.
trusted=/run/builder-certificates.crt
cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root$trusted"
trust="npm_config_cafile=$trusted SSL_CERT_FILE=$trusted PIP_CERT=$trusted NODE_EXTRA_CA_CERTS=$trusted REQUESTS_CA_BUNDLE=$trusted"
for path in /etc/resolv.conf /etc/hosts /etc/apt/apt.conf.d /etc/apt/auth.conf.d /etc/apt/sources.list.d \
  /etc/apt/trusted.gpg.d /etc/apt/keyrings /usr/share/keyrings /etc/pip.conf /etc/npmrc /root/.npmrc /root/.config/pip /etc/xdg/pip; do
  [ -e "$path" ] && borrow "$path"
done
for name in proc dev; do mkdir -p "$root/$name"; mount --rbind "/$name" "$root/$name"; done
inside() { chroot "$root" env $trust HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -c "cd /build && $1"; }

rm -rf "$root/build"; mkdir -p "$root/build/layers/renderer"
cp -a "$project/layers/renderer/setup" "$project"/layers/renderer/package*.json "$root/build/layers/renderer/"
cp -a "$project/src" "$project/pyproject.toml" "$project/README.md" "$project/requirements" "$root/build/"
inside "layers/renderer/setup/10-system.sh build"
inside "layers/renderer/setup/20-python.sh /opt/venv requirements/product.lock"
if [ ! -e "$root/opt/.packages" ]; then
  inside "layers/renderer/setup/30-packages.sh /opt/venv"
  touch "$root/opt/.packages"
fi
inside "layers/renderer/setup/40-product.sh /opt/venv"
inside "layers/renderer/setup/45-driver.sh /opt/venv"
# The image's last stage never had npm and a compiler; here there is one stage.
inside "apt-get purge --quiet=2 --yes --auto-remove npm gcc libc6-dev libatomic1 >/dev/null"
inside "layers/renderer/setup/10-system.sh image"
inside "layers/renderer/setup/50-finish.sh /opt/venv"
rm -rf "$root/build" "$root$trusted"
echo "$root: $(du -smx --exclude="$root/proc" --exclude="$root/dev" "$root" | cut -f1) MB"
