#!/usr/bin/env bash
# Below $1/share/hyperframes-render/driver: Playwright's driver, compiled (5 MB of scripts that are else read at each
# start), and what stands in for the kernel's filter (confined.c).
. "$(dirname "$0")/common.sh"
HINT="Playwright's driver is started in another way than this script expects, or there is no C compiler"
venv=$1
target=$venv/share/hyperframes-render/driver
work=$(mktemp -d)
driver=$("$venv/bin/python" -c 'import pathlib, playwright; print(pathlib.Path(playwright.__file__).with_name("driver"))')
# It ends when nobody speaks to it, and Node writes what it compiled.
NODE_COMPILE_CACHE=$work run "compiling" "$driver/node" "$driver/package/cli.js" run-driver </dev/null
rm -rf "$target"
mkdir -p "$target"
cp "$work"/*/* "$target/"
run "confined.so" gcc -shared -fPIC -O2 -Wall -Wextra -Werror -o "$target/confined.so" src/hyperframes_render/sandbox/confined.c
chmod a+r "$target"/*
rm -rf "$work"
