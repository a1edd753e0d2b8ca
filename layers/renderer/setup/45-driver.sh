#!/usr/bin/env bash
# Builds two parts in $1/share/hyperframes-render/driver: the compile cache of Playwright's driver (it saves parsing 5 MB
# of scripts at each start), and the library that replaces the kernel's filter (confined.c).
. "$(dirname "$0")/common.sh"
HINT="this version of Playwright starts its driver in another way than this script expects, or there is no C compiler"
venv=$1
target=$venv/share/hyperframes-render/driver
work=$(mktemp -d)
driver=$("$venv/bin/python" -c 'import pathlib, playwright; print(pathlib.Path(playwright.__file__).with_name("driver"))')
# The driver ends when its standard input closes. Node then writes the compile cache.
NODE_COMPILE_CACHE=$work run "compiling" "$driver/node" "$driver/package/cli.js" run-driver </dev/null
rm -rf "$target"
mkdir -p "$target"
cp "$work"/*/* "$target/"
run "confined.so" gcc -shared -fPIC -O2 -Wall -Wextra -Werror -o "$target/confined.so" src/hyperframes_render/sandbox/confined.c
chmod a+r "$target"/*
rm -rf "$work"
