#!/usr/bin/env bash
# build-root.sh ROOT: builds the image's file system without Docker. debootstrap makes the base; then the steps of the
# Dockerfile run in a chroot, in the same order. Needs root. This machine's settings for package sources (apt, pip, npm,
# certificates) are mounted during the build and are not part of the result.
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

mount_from_host() {  # mount_from_host PATH: mounts this machine's file or folder PATH in the chroot during the build
  local from to; from=$(realpath "$1" 2>/dev/null) || return 0
  to=$root$1
  if [ -d "$from" ]; then mkdir -p "$to"; else mkdir -p "$(dirname "$to")"; [ -e "$to" ] || : >"$to"; fi
  mount --bind "$from" "$to"
  mount -o remount,bind,ro "$to"
}
# This machine's trusted certificates, in another file: packages in the chroot write theirs to /etc/ssl/certs.
trusted=/run/builder-certificates.crt
cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root$trusted"
trust="npm_config_cafile=$trusted SSL_CERT_FILE=$trusted PIP_CERT=$trusted NODE_EXTRA_CA_CERTS=$trusted REQUESTS_CA_BUNDLE=$trusted"
for path in /etc/resolv.conf /etc/hosts /etc/apt/apt.conf.d /etc/apt/auth.conf.d /etc/apt/sources.list.d \
  /etc/apt/trusted.gpg.d /etc/apt/keyrings /usr/share/keyrings /etc/pip.conf /etc/npmrc /root/.npmrc /root/.config/pip /etc/xdg/pip; do
  [ -e "$path" ] && mount_from_host "$path"
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
# The Dockerfile's last stage has no npm and no compiler. This build has only one stage and removes them.
inside "apt-get purge --quiet=2 --yes --auto-remove npm gcc libc6-dev libatomic1 >/dev/null"
inside "layers/renderer/setup/10-system.sh image"
inside "layers/renderer/setup/50-finish.sh /opt/venv"
rm -rf "$root/build" "$root$trusted"
echo "$root: $(du -smx --exclude="$root/proc" --exclude="$root/dev" "$root" | cut -f1) MB"
