#!/usr/bin/env bash
# The last step of the image: prepares caches for a fast first start and lists the installed packages.
. "$(dirname "$0")/common.sh"
HINT="see the line above"
venv=$1
# The root is read-only later. Without byte code and font cache the first start takes seconds longer.
run "byte code" "$venv/bin/python" -m compileall -q -j 0 "$venv/lib"
run "font cache" fc-cache -f -s
# Only root may read Python's file: the kernel then hides a worker's memory and environment from its children.
chmod 0711 "$(readlink -f "$venv/bin/python")"
{
  dpkg-query -W -f '${Package} ${Version}\n'
  "$venv/bin/python" -m pip list --format freeze --disable-pip-version-check
} >/opt/versions.txt
apt-get clean
rm -rf /var/lib/apt/lists/* /root/.cache /root/.npm /tmp/* /var/tmp/*
