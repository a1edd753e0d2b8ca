// Parses scripts and prints what rules need to know of them, and the findings of the official lint. Input: JSON with
// `scripts`, a list of { text, module }, and `pages`, a list of { html, options }. Output: JSON with `scripts`, a list of
// facts, and `pages`, a list of findings. Lines and columns count from 1. Runs in Node without a right to write, to start
// programs or to read other files. Nothing of the input is executed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const packages = process.argv[2];
const acorn = await import(pathToFileURL(`${packages}/acorn/dist/acorn.mjs`).href);
const walk = await import(pathToFileURL(`${packages}/acorn-walk/dist/walk.mjs`).href);
const TWEENS = ["to", "from", "fromTo", "set"];
const PLUGIN_KEYS = ["scrollTrigger", "motionPath", "drawSVG", "morphSVG", "splitText"];

// What a listener calls to start an animation.
const ANIMATES = /\bgsap\.|\.(?:animate|play|restart|resume)\(|\banimat/i;

const placeOf = (node) => ({ line: node.loc.start.line, column: node.loc.start.column + 1 });
const nameOf = (node) => (node?.type === "Identifier" ? node.name : null);
const keyOf = (member) =>
  member.computed ? (member.property.type === "Literal" ? String(member.property.value) : null) : member.property.name;
const isRegistry = (node) =>
  (node.type === "MemberExpression" && keyOf(node) === "__timelines") || nameOf(node) === "__timelines";
// window._timelines, window.__timeline and the like.
const isMisspelt = (node) =>
  node.type === "MemberExpression" &&
  nameOf(node.object) === "window" &&
  !isRegistry(node) &&
  /^_{0,3}(?:time_?lines?|tiemlines?|timlines?)$/i.test(keyOf(node) ?? "");
const factOfName = (node) => ({
  name: keyOf(node),
  start: node.property.start,
  end: node.property.end,
  ...placeOf(node),
});
const literal = (node) =>
  node?.type === "Literal" && typeof node.value === "string"
    ? node.value
    : node?.type === "TemplateLiteral" && !node.expressions.length
      ? node.quasis[0].value.cooked
      : null;
const number = (node) =>
  node?.type === "Literal" && typeof node.value === "number"
    ? node.value
    : node?.type === "UnaryExpression" && node.operator === "-" && typeof node.argument.value === "number"
      ? -node.argument.value
      : null;
const propertiesOf = (node) =>
  node?.type === "ObjectExpression"
    ? Object.fromEntries(
        node.properties
          .filter((p) => p.type === "Property" && !p.computed)
          .map((p) => [p.key.name ?? String(p.key.value), p.value]),
      )
    : {};

function rootOf(node) {
  let found = node;
  while (found?.type === "CallExpression" || found?.type === "MemberExpression")
    found = found.type === "CallExpression" ? found.callee : found.object;
  return found;
}

function isTimelineCall(node) {
  if (node?.type !== "CallExpression" || node.callee.type !== "MemberExpression") return false;
  if (keyOf(node.callee) === "timeline" && nameOf(node.callee.object) === "gsap") return true;
  return isTimelineCall(node.callee.object);
}

const inFunction = (ancestors) => ancestors.some((node) => /Function|StaticBlock|ClassBody/.test(node.type));

function firstCall(node) {
  let call = node;
  while (call.callee?.object?.type === "CallExpression") call = call.callee.object;
  return call;
}

function factsOf({ text, module }) {
  const facts = {
    error: null,
    imports: [],
    registrations: [],
    misspelt: [],
    timelines: [],
    tweens: [],
    globals: [],
    listeners: [],
    fetches: [],
    plugins: [],
  };
  let tree;
  try {
    tree = acorn.parse(text, {
      ecmaVersion: "latest",
      sourceType: module ? "module" : "script",
      locations: true,
      allowHashBang: true,
      allowReturnOutsideFunction: false,
    });
  } catch (error) {
    const message = String(error.message).replace(/ \(\d+:\d+\)$/, "");
    facts.error = { message, line: error.loc?.line ?? 1, column: (error.loc?.column ?? 0) + 1 };
    return facts;
  }
  const globals = new Map();
  const use = (name, node) => {
    if (!globals.has(name)) globals.set(name, placeOf(node));
  };
  const register = (key, value, node, kind) =>
    facts.registrations.push({
      key,
      kind,
      value: nameOf(value),
      made: isTimelineCall(value),
      ...placeOf(node),
      start: node.start,
      end: node.end,
    });
  const timeline = (name, call, node, inside) => {
    const first = firstCall(call);
    const vars = propertiesOf(first.arguments?.[0]);
    facts.timelines.push({
      name,
      paused: vars.paused?.value === true,
      endless: number(vars.repeat) === -1,
      chained: first !== call,
      top: !inside,
      ...placeOf(node),
    });
  };
  const visitors = {
    ImportDeclaration: (node) => facts.imports.push({ source: node.source.value, ...placeOf(node) }),
    ImportExpression: (node) => {
      const source = literal(node.source);
      if (source !== null) facts.imports.push({ source, ...placeOf(node) });
    },
    VariableDeclarator: (node, _, ancestors) => {
      if (nameOf(node.id) && isTimelineCall(node.init)) timeline(node.id.name, node.init, node, inFunction(ancestors));
    },
    AssignmentExpression: (node, _, ancestors) => {
      if (nameOf(node.left) && isTimelineCall(node.right))
        timeline(node.left.name, node.right, node, inFunction(ancestors));
      if (isRegistry(node.left)) {
        const entries = node.right.type === "ObjectExpression" ? node.right.properties : [];
        for (const p of entries)
          if (p.type === "Property" && !p.computed) register(p.key.name ?? String(p.key.value), p.value, p, "object");
        if (node.right.type === "ArrayExpression")
          for (const value of node.right.elements) if (value) register(null, value, node, "list");
      } else if (isMisspelt(node.left)) facts.misspelt.push(factOfName(node.left));
      else if (node.left.type === "MemberExpression" && isMisspelt(node.left.object))
        facts.misspelt.push(factOfName(node.left.object));
      else if (node.left.type === "MemberExpression" && isRegistry(node.left.object))
        register(keyOf(node.left), node.right, node, "key");
    },
    CallExpression: (node) => {
      const { callee } = node;
      if (nameOf(callee) === "fetch") {
        const address = literal(node.arguments[0]);
        if (address !== null) facts.fetches.push({ address, ...placeOf(node) });
      }
      if (callee.type !== "MemberExpression") return;
      const method = keyOf(callee);
      if (method === "registerPlugin") for (const plugin of node.arguments) if (nameOf(plugin)) use(plugin.name, plugin);
      if (method === "push" && isRegistry(callee.object))
        register(null, node.arguments[0], node, "push");
      if (method === "addEventListener") {
        const name = literal(node.arguments[0]);
        const callback = node.arguments[1];
        const animates = !!callback && ANIMATES.test(text.slice(callback.start, callback.end));
        if (name !== null && animates) facts.listeners.push({ name, ...placeOf(node) });
      }
      if (!TWEENS.includes(method)) return;
      const root = nameOf(rootOf(callee));
      const vars = propertiesOf(node.arguments[method === "fromTo" ? 2 : 1]);
      const from = propertiesOf(node.arguments[1]);
      const targets = node.arguments[0]?.type === "ArrayExpression" ? node.arguments[0].elements : [node.arguments[0]];
      for (const key of PLUGIN_KEYS) if (key in vars || key in from) facts.plugins.push({ key, ...placeOf(node) });
      const position = node.arguments[method === "fromTo" ? 3 : 2];
      for (const target of targets) {
        const selector = literal(target);
        if (selector === null) continue;
        facts.tweens.push({
          method,
          root,
          selector,
          opacity: number((method === "from" ? from : vars).opacity ?? (method === "from" ? from : vars).autoAlpha),
          duration: number(vars.duration ?? from.duration),
          position: number(position),
          endless: number(vars.repeat ?? from.repeat) === -1,
          ...placeOf(target),
        });
      }
      if (number(vars.repeat) === -1 && !targets.some((t) => literal(t) !== null))
        facts.tweens.push({ method, root, selector: null, opacity: null, duration: null, position: null, endless: true, ...placeOf(node) });
    },
    NewExpression: (node) => {
      if (nameOf(node.callee)) use(node.callee.name, node);
    },
    MemberExpression: (node) => {
      if (nameOf(node.object)) use(node.object.name, node);
    },
  };
  walk.ancestor(tree, visitors);
  facts.globals = [...globals].map(([name, place]) => ({ name, ...place }));
  return facts;
}

// null: nested too deeply.
const attempt = async (work) => {
  try {
    return await work();
  } catch {
    return null;
  }
};

async function findingsOf(pages) {
  if (!pages.length) return [];
  const { lintHyperframeHtml } = createRequire(import.meta.url)(`${packages}/@hyperframes/lint/dist/lint.cjs`);
  return Promise.all(
    pages.map(({ html, options }) => attempt(async () => (await lintHyperframeHtml(html, options)).findings)),
  );
}

const { scripts, pages } = JSON.parse(readFileSync(0, "utf8"));
const facts = await Promise.all(scripts.map((script) => attempt(() => factsOf(script))));
process.stdout.write(JSON.stringify({ scripts: facts, pages: await findingsOf(pages) }));
