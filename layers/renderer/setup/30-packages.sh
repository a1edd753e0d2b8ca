#!/usr/bin/env bash
# Installs the npm packages that are served to pages (page runtime, GSAP, fonts) in
# $1/share/hyperframes-render/packages. Dependencies of these packages are not needed at run time and are left out.
. "$(dirname "$0")/common.sh"
HINT="the npm registry must be reachable; npm's own message is above"
prefix=$1
target=$prefix/share/hyperframes-render/packages
work=$(mktemp -d)
trap 'status=$?; rm -rf "$work"; [ $status = 0 ] || echo "set-up step \"$STEP\" failed: $HINT" >&2' EXIT
cp "$SETUP_DIR/../package.json" "$SETUP_DIR/../package-lock.json" "$work/"
run "npm ci" npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --omit=optional
mkdir "$work/bundler"
cp "$SETUP_DIR/../bundler/package.json" "$SETUP_DIR/../bundler/package-lock.json" "$work/bundler/"
run "npm ci of the bundler" npm ci --prefix "$work/bundler" --ignore-scripts --no-audit --no-fund
rm -rf "$target.new"
mkdir -p "$target.new"
python3 - "$work" "$target.new" <<'PYTHON'
import json, pathlib, shutil, sys
work, target = map(pathlib.Path, sys.argv[1:])
# Large packages: only the files that pages load. "-classic": the last versions that define a global in `window`.
parts = {
    "hyperframes": ["dist/hyperframe.runtime.iife.js"],  # only the page runtime of the official CLI
    "@hyperframes/lint": [],  # bundled below
    "acorn": ["dist/acorn.mjs"],
    "acorn-walk": ["dist/walk.mjs"],
    "three": ["build", "examples/jsm"],
    "three-classic": ["build", "examples/js", "examples/jsm"],
    "lottie-web": ["build/player"],
    "d3": ["dist"],
    "topojson-client": ["dist"],
    "@hyperframes/shader-transitions": ["dist"],
    "@lottiefiles/dotlottie-web": ["dist/index.js", "dist/dotlottie-player.wasm"],
    "@tailwindcss/browser": ["dist"],
}
skipped = shutil.ignore_patterns("node_modules", "*.map", "*.woff")
for name in json.loads((work / "package.json").read_text())["dependencies"]:
    source, copy = work / "node_modules" / name, target / name
    if name not in parts:
        shutil.copytree(source, copy, ignore=skipped)
        continue
    copy.mkdir(parents=True)
    for part in ["package.json", "LICENSE", "LICENSE.md", *parts[name]]:
        (copy / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, copy / part, ignore=skipped)
        elif (source / part).exists():
            shutil.copy(source / part, copy / part)
PYTHON
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
