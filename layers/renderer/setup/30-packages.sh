#!/usr/bin/env bash
# Installs the npm packages that are served to pages (page runtime, libraries, fonts) in
# $1/share/hyperframes-render/packages. ../packages.toml says which files of each are kept. --legacy-peer-deps: two
# generations of a library may be installed side by side.
. "$(dirname "$0")/common.sh"
HINT="the npm registry must be reachable; npm's own message is above"
prefix=$1
target=$prefix/share/hyperframes-render/packages
work=$(mktemp -d)
trap 'status=$?; rm -rf "$work"; [ $status = 0 ] || echo "set-up step \"$STEP\" failed: $HINT" >&2' EXIT
cp "$SETUP_DIR/../package.json" "$SETUP_DIR/../package-lock.json" "$work/"
run "npm ci" npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --omit=optional \
  --legacy-peer-deps
mkdir "$work/bundler"
cp "$SETUP_DIR/../bundler/package.json" "$SETUP_DIR/../bundler/package-lock.json" "$work/bundler/"
run "npm ci of the bundler" npm ci --prefix "$work/bundler" --ignore-scripts --no-audit --no-fund
rm -rf "$target.new"
mkdir -p "$target.new"
HINT="packages.toml and the packages do not fit"
cp "$SETUP_DIR/../packages.toml" "$target.new/packages.toml"
python3 - "$work" "$target.new" <<'PYTHON'
import json, pathlib, shutil, sys, tomllib
work, target = map(pathlib.Path, sys.argv[1:])
store = tomllib.loads((target / "packages.toml").read_text())
skipped = shutil.ignore_patterns("node_modules", "*.map", "*.woff")
for name in json.loads((work / "package.json").read_text())["dependencies"]:
    source, copy = work / "node_modules" / name, target / name
    keep = store.get(name, {}).get("keep")
    if keep is None:
        shutil.copytree(source, copy, ignore=skipped)
        continue
    for pattern in ["package.json", "LICENSE*", "LICENCE*", "COPYING*", "license*", *keep]:
        found = [part for part in source.glob(pattern) if not part.name.endswith((".map", ".woff"))]
        if not found and pattern in keep:
            sys.exit(f"{name} has no {pattern} any more: correct layers/renderer/packages.toml")
        for part in found:
            place = copy / part.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            if part.is_dir():
                shutil.copytree(part, place, ignore=skipped, dirs_exist_ok=True)
            else:
                shutil.copy(part, place)
PYTHON
HINT="a package cannot be bundled as a module; correct its \"modules\" in layers/renderer/packages.toml"
run "modules" node "$SETUP_DIR/modules.mjs" "$work" "$target.new"
# The rules of the official lint and their dependencies as one file: 1.6 MB instead of 24 MB, and read in 90 ms.
HINT="esbuild could not bundle @hyperframes/lint; its own message is above"
run "esbuild" node "$work/bundler/node_modules/esbuild/bin/esbuild" \
  "$work/node_modules/@hyperframes/lint/dist/browser.js" --bundle --platform=node --format=cjs --target=node20 \
  --minify --legal-comments=none --log-level=error --outfile="$target.new/@hyperframes/lint/dist/lint.cjs"
# The script that applies audio effects is a string literal in one of the official CLI's bundles.
HINT="this version of the official CLI has another structure than this script expects"
node - "$work/node_modules/hyperframes/dist" "$target.new/hyperframes/dist/sound-effects.js" <<'NODE'
const fs = require("fs");
const [from, to] = process.argv.slice(-2);
const texts = fs.readdirSync(from).filter((name) => name.endsWith(".js"))
  .flatMap((name) => [...fs.readFileSync(`${from}/${name}`, "utf8").matchAll(/^var AUDIO_FX_RUNTIME_IIFE = ('(?:[^'\\\n]|\\.)*');$/gm)]);
if (texts.length !== 1) throw new Error(`${texts.length} texts that apply effects to sounds, instead of one`);
fs.writeFileSync(to, Function(`return ${texts[0][1]}`)());
NODE
rm -rf "$target"
mv "$target.new" "$target"
say "packages are in $target"
