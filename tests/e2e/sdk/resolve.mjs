// The client's files import each other without suffixes, as bundlers resolve them; Node itself wants the suffix.
import { register } from "node:module";

const hooks = `export async function resolve(specifier, context, next) {
  for (const suffix of ["", ".js", "/index.js"]) {
    try { return await next(specifier + suffix, context); }
    catch (error) { if (!specifier.startsWith(".") || suffix === "/index.js") throw error; }
  }
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
