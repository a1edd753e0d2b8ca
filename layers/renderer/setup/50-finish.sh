#!/usr/bin/env bash
# The end of the image: what is slow at the first start is done now, and what is in it is written down.
. "$(dirname "$0")/common.sh"
HINT="see the line above"
venv=$1
# A read-only root cannot take byte code or a font cache later: without these the first start costs seconds more.
run "byte code" "$venv/bin/python" -m compileall -q -j 0 "$venv/lib"
run "font cache" fc-cache -f -s
# Nobody but root may read Python's file: the kernel then keeps a worker's memory and environment from its children.
chmod 0711 "$(readlink -f "$venv/bin/python")"
{
  dpkg-query -W -f '${Package} ${Version}\n'
  "$venv/bin/python" -m pip list --format freeze --disable-pip-version-check
} >/opt/versions.txt
apt-get clean
rm -rf /var/lib/apt/lists/* /root/.cache /root/.npm /tmp/* /var/tmp/*
