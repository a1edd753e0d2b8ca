// Bundles packages of the store as modules, for addresses such as https://esm.sh/react and …/npm/react/+esm.
// Usage: node modules.mjs WORK TARGET. WORK has node_modules and bundler/node_modules, TARGET the kept packages.
//
// An entry point of a package becomes one file, modules/NAME/ENTRY.mjs. Other packages of the store stay imports, by the
// address of the entry point on esm.sh, so that a page has one React however it loads it.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [work, target] = process.argv.slice(2);
const esbuild = createRequire(pathToFileURL(`${work}/bundler/package.json`).href)("esbuild");
const HOST = "https://esm.sh";

// A few lines of TOML: the names of tables, and their lists "modules".
const store = {};
let table = "";
for (const line of readFileSync(join(target, "packages.toml"), "utf8").split("\n")) {
  const head = line.match(/^\[(?:"([^"]+)"|([^\]]+))\]$/);
  if (head) table = head[1] ?? head[2];
  if (line.startsWith("modules = ")) store[table] = JSON.parse(line.slice("modules = ".length));
}
const entries = Object.entries(store).flatMap(([name, list]) =>
  list.map((entry) => ({ name, entry, specifier: entry === "." ? name : `${name}/${entry}` })),
);
const known = new Set(entries.map(({ specifier }) => specifier));

// The names that a CommonJS package exports are known only when it runs. Packages that need a browser have none.
function namesOf(specifier) {
  const program = `const m = require(${JSON.stringify(specifier)}); process.stdout.write(JSON.stringify(Object.keys(m)))`;
  const ended = spawnSync(process.execPath, ["-e", program], {
    cwd: work,
    encoding: "utf8",
    env: { NODE_ENV: "production", PATH: process.env.PATH },
    timeout: 20_000,
  });
  try {
    return JSON.parse(ended.stdout).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default");
  } catch {
    return [];
  }
}

// Keeps other packages of the store as imports. A CommonJS require of one gets the names of its module.
const others = (self) => ({
  name: "store",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind, namespace }) => {
      if (kind === "entry-point" || namespace === "store" || path === self || !known.has(path)) return undefined;
      if (kind === "require-call") return { path, namespace: "store" };
      return { path: `${HOST}/${path}`, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: "store" }, ({ path }) => ({
      contents: `export * from "${HOST}/${path}"; export { default } from "${HOST}/${path}";`,
    }));
    build.onResolve({ filter: /^https:/ }, ({ path }) => ({ path, external: true }));
  },
});

async function bundle({ name, entry, specifier }) {
  const options = {
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    legalComments: "none",
    logLevel: "silent",
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [others(specifier)],
    absWorkingDir: work,
    write: false,
    metafile: true,
  };
  const build = (contents) => esbuild.build({ ...options, stdin: { contents, resolveDir: work } });
  // What the entry exports by itself: a CommonJS package has "default" only.
  const whole = await build(`export * from "${specifier}";`);
  let names = Object.values(whole.metafile.outputs)[0].exports;
  const isModule = names.length > 0;
  let hasDefault = !isModule;
  if (isModule) {
    try {
      await build(`export { default } from "${specifier}";`);
      hasDefault = true;
    } catch {
      hasDefault = false;
    }
  } else names = namesOf(specifier);
  const star = isModule
    ? `export * from "${specifier}";${hasDefault ? ` export { default } from "${specifier}";` : ""}`
    : `import whole from "${specifier}"; export default whole; ${names.length ? `export const { ${names.join(", ")} } = whole;` : ""}`;
  const made = await build(star);
  const file = join(target, "modules", name, `${entry === "." ? "index" : entry}.mjs`);
  mkdirSync(dirname(file), { recursive: true });
  // "default" is asked for by the small modules that stand for other addresses of this one.
  const text = made.outputFiles[0].text;
  writeFileSync(file, hasDefault ? text : `${text}\nexport default undefined;\n`);
}

const failed = [];
for (const one of entries) {
  try {
    await bundle(one);
  } catch (error) {
    failed.push(`${one.specifier}: ${error.message}`);
  }
}
if (failed.length) {
  console.error(failed.join("\n"));
  process.exit(1);
}
