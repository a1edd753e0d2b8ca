// Loaded by Node before Playwright's driver (confine.py): takes the driver's scripts as the set-up compiled them, which
// saves a fifth of its start. Node keeps such files in a folder named after version, processor, flags and user, though
// they depend on the version alone: they are linked under the name that it asks for here. What does not fit is ignored
// by Node, and what is missing compiled.
"use strict";
const { readdirSync, symlinkSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
try {
  const compiled = process.env.HYPERFRAMES_RENDER_COMPILED_DRIVER;
  const names = readdirSync(compiled).filter((name) => /^[0-9a-f]+$/.test(name));
  const folder = `${process.env.TMPDIR}/compiled`;
  enableCompileCache(folder);
  const [ours] = readdirSync(folder);
  for (const name of names) symlinkSync(`${compiled}/${name}`, `${folder}/${ours}/${name}`);
} catch {
  // The driver starts without.
}
