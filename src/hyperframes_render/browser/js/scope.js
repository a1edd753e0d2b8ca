// Limits the scripts of a sub-composition to their part of the page: their look-ups in the document, their GSAP targets,
// their variables and the key of their timeline. Each script is called with proxies of document, gsap, window and
// __hyperframes. A module gets only the last.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderScope")) return;
  const TWEENS = ["to", "from", "fromTo", "set"];

  /**
   * The names of a sub-composition: the id in its file, its id in the page, the selector of its root, and the ids that its
   * author wrote on the root and on the elements whose ids were renamed.
   * @typedef {{ composition: string, runtime: string, selector: string, rootId?: string, authoredIds?: string[] }} Names
   */
  /** @typedef {(...values: any[]) => any} AnyFunction The scripts' own values, of any type. */
  /** @typedef {Record<string | symbol, any>} AnyObject */

  // A method of a proxied object must be called on that object.
  /** @type {(target: object, value: any) => any} */
  const bound = (target, value) =>
    typeof value === "function" && value.prototype === undefined ? value.bind(target) : value;
  const quote = (/** @type {string} */ text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  /** @type {(names: { runtime: string }) => object | undefined} */
  const scopedHyperframes = ({ runtime }) =>
    window.__hyperframes && {
      ...window.__hyperframes,
      getVariables: () => ({ ...window.__hfVariablesByComp?.[runtime] }),
    };

  /** @param {Names} names */
  function scopeOf({ composition, runtime, selector, rootId, authoredIds }) {
    const root = document.querySelector(selector);
    const timing = String.raw`(?:\s*\[\s*data-(?:start|duration)\s*=\s*(?:"[^"]*"|'[^']*')\s*\])*`;
    const itself = new RegExp(
      timing + String.raw`\[\s*data-composition-id\s*=\s*(["']?)` + quote(composition) + String.raw`\1\s*\]` + timing,
      "g",
    );
    const itsId = rootId ? new RegExp(`#${quote(rootId)}${String.raw`(?![\w-])`}`, "g") : null;
    const authored = (/** @type {string} */ id) => `[data-hf-authored-id=${JSON.stringify(id)}]`;
    const renamed = new Set(authoredIds);
    // Rewrites a selector of the author to the ids in the page.
    const translate = (/** @type {string} */ text) => {
      let changed = text.replace(itself, () => selector);
      if (itsId && rootId) changed = changed.replace(itsId, () => authored(rootId));
      return renamed.size
        ? changed.replace(/#([\w-]+)/g, (whole, id) => (renamed.has(id) ? authored(id) : whole))
        : changed;
    };
    const mine = (/** @type {Node} */ node) => !root || root.contains(node);
    const all = (/** @type {unknown} */ text) => [...document.querySelectorAll(translate(String(text)))].filter(mine);
    const byId = (/** @type {unknown} */ id) => {
      if (root && rootId && String(id) === rootId) return root.querySelector(authored(rootId)) ?? root;
      if (renamed.has(String(id))) return all(authored(String(id)))[0] ?? null;
      return all(`[id=${JSON.stringify(String(id))}]`)[0] ?? null;
    };
    const targets = (/** @type {any} */ value) => (typeof value === "string" ? all(value) : value);

    /** @type {Record<string | symbol, AnyFunction>} */
    const lookups = { querySelector: (text) => all(text)[0] ?? null, querySelectorAll: all, getElementById: byId };
    const scopedDocument = new Proxy(document, {
      get: (target, name) =>
        Object.hasOwn(lookups, name) ? lookups[name] : bound(target, Reflect.get(target, name, target)),
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });

    /** @param {AnyObject} timeline */
    function scopedTimeline(timeline) {
      for (const method of TWEENS) {
        const original = timeline[method];
        if (typeof original === "function")
          timeline[method] = (/** @type {any} */ first, /** @type {any[]} */ ...rest) =>
            original.call(timeline, targets(first), ...rest);
      }
      return timeline;
    }
    const scopedUtils = (/** @type {AnyObject} */ utils) =>
      new Proxy(utils, {
        get(target, name) {
          if (name === "toArray")
            return (/** @type {any} */ value, /** @type {any[]} */ ...rest) => target.toArray(targets(value), ...rest);
          if (name === "selector")
            return (/** @type {any} */ base) => (/** @type {unknown} */ text) => {
              const within = typeof base === "string" ? all(base)[0] : (base?.current ?? base);
              return all(text).filter((node) => !within || within.contains(node));
            };
          return bound(target, Reflect.get(target, name, target));
        },
      });
    const gsap =
      window.gsap &&
      new Proxy(/** @type {AnyObject} */ (window.gsap), {
        get(target, name) {
          if (name === "timeline")
            return (/** @type {any[]} */ ...values) => scopedTimeline(target.timeline(...values));
          if (TWEENS.includes(String(name)))
            return (/** @type {any} */ first, /** @type {any[]} */ ...rest) => target[name](targets(first), ...rest);
          if (name === "utils") return scopedUtils(target.utils);
          return bound(target, Reflect.get(target, name, target));
        },
      });

    const hyperframes = scopedHyperframes({ runtime });
    // A host may have another id than the timeline in its file. The timeline is registered under the host's id, and under
    // its own unless that is the id of another composition, such as the same file shown again.
    const isOfAnother = document.querySelector(`[data-composition-id="${CSS.escape(composition)}"]`) !== null;
    const registry = () => {
      window.__timelines ??= {};
      if (composition === runtime) return window.__timelines;
      return new Proxy(/** @type {AnyObject} */ (window.__timelines), {
        get: (target, name) => (name === composition ? (target[runtime] ?? target[composition]) : target[name]),
        set(target, name, value) {
          if (name === composition) target[runtime] = value;
          if (name !== composition || !isOfAnother) target[name] = value;
          return true;
        },
      });
    };
    const scopedWindow = new Proxy(window, {
      get(target, name) {
        if (name === "__timelines") return registry();
        if (name === "__hyperframes") return hyperframes;
        return bound(target, Reflect.get(target, name, target));
      },
      set(target, name, value) {
        // "window.__timelines = window.__timelines || {}" assigns the proxy itself: there is nothing to set.
        return name === "__timelines" && target.__timelines ? true : Reflect.set(target, name, value, target);
      },
    });
    return [scopedDocument, gsap, scopedWindow, hyperframes];
  }

  // Calls a script as a function of its proxies, with `this` as at the top level.
  const run = (/** @type {Names} */ names, /** @type {AnyFunction} */ script) => script.call(window, ...scopeOf(names));
  Object.defineProperty(window, "__hyperframesRenderScope", {
    value: Object.freeze({ run, hyperframes: scopedHyperframes }),
  });
})();
