// Keeps the scripts of a sub-composition to their own part of the page: what they look up in the document, the targets
// that they give to GSAP, their variables and the key of their timeline. Each script is called with stand-ins for
// document, gsap, window and __hyperframes; a module gets the last alone.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderScope")) return;
  const TWEENS = ["to", "from", "fromTo", "set"];
  const own = (target, value) =>
    typeof value === "function" && value.prototype === undefined ? value.bind(target) : value;
  const quote = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  const scopedHyperframes = ({ runtime }) =>
    window.__hyperframes && {
      ...window.__hyperframes,
      getVariables: () => ({ ...window.__hfVariablesByComp?.[runtime] }),
    };

  function scopeOf({ composition, runtime, selector, rootId, authoredIds }) {
    const root = document.querySelector(selector);
    const timing = String.raw`(?:\s*\[\s*data-(?:start|duration)\s*=\s*(?:"[^"]*"|'[^']*')\s*\])*`;
    const itself = new RegExp(
      timing + String.raw`\[\s*data-composition-id\s*=\s*(["']?)` + quote(composition) + String.raw`\1\s*\]` + timing,
      "g",
    );
    const itsId = rootId ? new RegExp(`#${quote(rootId)}${String.raw`(?![\w-])`}`, "g") : null;
    const authored = (id) => `[data-hf-authored-id=${JSON.stringify(id)}]`;
    const renamed = new Set(authoredIds);
    const translate = (text) => {
      let changed = text.replace(itself, () => selector);
      if (itsId) changed = changed.replace(itsId, () => authored(rootId));
      return renamed.size
        ? changed.replace(/#([\w-]+)/g, (whole, id) => (renamed.has(id) ? authored(id) : whole))
        : changed;
    };
    const mine = (node) => !root || root.contains(node);
    const all = (text) => [...document.querySelectorAll(translate(String(text)))].filter(mine);
    const byId = (id) => {
      if (root && rootId && String(id) === rootId) return root.querySelector(authored(rootId)) ?? root;
      if (renamed.has(String(id))) return all(authored(String(id)))[0] ?? null;
      return all(`[id=${JSON.stringify(String(id))}]`)[0] ?? null;
    };
    const targets = (value) => (typeof value === "string" ? all(value) : value);

    const lookups = { querySelector: (text) => all(text)[0] ?? null, querySelectorAll: all, getElementById: byId };
    const scopedDocument = new Proxy(document, {
      get: (target, name) =>
        Object.hasOwn(lookups, name) ? lookups[name] : own(target, Reflect.get(target, name, target)),
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });

    function scopedTimeline(timeline) {
      for (const method of TWEENS) {
        const original = timeline[method];
        if (typeof original === "function")
          timeline[method] = (first, ...rest) => original.call(timeline, targets(first), ...rest);
      }
      return timeline;
    }
    const scopedUtils = (utils) =>
      new Proxy(utils, {
        get(target, name) {
          if (name === "toArray") return (value, ...rest) => target.toArray(targets(value), ...rest);
          if (name === "selector")
            return (base) => (text) => {
              const within = typeof base === "string" ? all(base)[0] : (base?.current ?? base);
              return all(text).filter((node) => !within || within.contains(node));
            };
          return own(target, Reflect.get(target, name, target));
        },
      });
    const gsap =
      window.gsap &&
      new Proxy(window.gsap, {
        get(target, name) {
          if (name === "timeline") return (...given) => scopedTimeline(target.timeline(...given));
          if (TWEENS.includes(name)) return (first, ...rest) => target[name](targets(first), ...rest);
          if (name === "utils") return scopedUtils(target.utils);
          return own(target, Reflect.get(target, name, target));
        },
      });

    const hyperframes = scopedHyperframes({ runtime });
    // A host may go by another name than its file's timeline: it is found under both.
    const registry = () => {
      window.__timelines ??= {};
      if (composition === runtime) return window.__timelines;
      return new Proxy(window.__timelines, {
        get: (target, name) => (name === composition ? (target[composition] ?? target[runtime]) : target[name]),
        set(target, name, value) {
          target[name] = value;
          if (name === composition) target[runtime] = value;
          return true;
        },
      });
    };
    const scopedWindow = new Proxy(window, {
      get(target, name) {
        if (name === "__timelines") return registry();
        if (name === "__hyperframes") return hyperframes;
        return own(target, Reflect.get(target, name, target));
      },
      set(target, name, value) {
        // "window.__timelines = window.__timelines || {}" gives the stand-in back: there is nothing to set.
        return name === "__timelines" && target.__timelines ? true : Reflect.set(target, name, value, target);
      },
    });
    return [scopedDocument, gsap, scopedWindow, hyperframes];
  }

  const run = (names, script) => script.call(window, ...scopeOf(names));
  Object.defineProperty(window, "__hyperframesRenderScope", {
    value: Object.freeze({ run, hyperframes: scopedHyperframes }),
  });
})();
