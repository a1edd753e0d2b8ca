// Node loads this before Playwright's driver (confine.py). It provides the compile cache that the set-up made, which saves
// a fifth of the driver's start. Node names the cache's folder after version, processor, flags and user, although the
// files depend on the version only: they are linked into the folder that this process uses. Node ignores files that do
// not match, and compiles scripts that are missing.
"use strict";
const { readdirSync, symlinkSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
try {
  const compiled = process.env.HYPERFRAMES_RENDER_COMPILED_DRIVER;
  const names = readdirSync(compiled).filter((name) => /^[0-9a-f]+$/.test(name));
  const folder = `${process.env.TMPDIR}/compiled`;
  enableCompileCache(folder);
  const [cache] = readdirSync(folder);
  for (const name of names) symlinkSync(`${compiled}/${name}`, `${folder}/${cache}/${name}`);
} catch {
  // The driver starts without the cache.
}
