// A small page for tests of the scripts in browser/js: a window with elements, without a browser.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const SCRIPTS = new URL("../../src/hyperframes_render/browser/js/", import.meta.url);

export class Element {
  /** Children are elements; `properties` are set on the object itself. */
  constructor(tag, attributes = {}, children = [], properties = {}) {
    this.localName = tag;
    this.tagName = tag.toUpperCase();
    this.attributes = { ...attributes };
    this.children = children;
    this.parentElement = null;
    this.isConnected = true;
    for (const child of children) child.parentElement = this;
    Object.assign(this, properties);
  }
  get id() {
    return this.attributes.id ?? "";
  }
  getAttribute(name) {
    return this.attributes[name] ?? null;
  }
  hasAttribute(name) {
    return name in this.attributes;
  }
  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }
  matches(selector) {
    return selector.split(",").some((part) => matchesOne(this, part.trim()));
  }
  closest(selector) {
    for (let found = this; found; found = found.parentElement) if (found.matches(selector)) return found;
    return null;
  }
  descendants() {
    return this.children.flatMap((child) => [child, ...child.descendants()]);
  }
  querySelectorAll(selector) {
    return this.descendants().filter((element) => element.matches(selector));
  }
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
}
export class MediaElement extends Element {
  loop = "loop" in this.attributes;
}
export class VideoElement extends MediaElement {}
export class ImageElement extends Element {}

const CLASSES = { video: VideoElement, audio: MediaElement, img: ImageElement };
export const element = (tag, attributes, ...children) => new (CLASSES[tag] ?? Element)(tag, attributes, children);

// Supports what the scripts use: a tag, classes, [name], [name="value"] and :not([name]).
function matchesOne(node, selector) {
  const [tag] = /^[a-z-]+/i.exec(selector) ?? [""];
  if (tag && tag !== node.localName) return false;
  const rest = selector.slice(tag.length);
  const parts = [...rest.matchAll(/(:not\()?(?:\.([\w-]+)|\[([\w-]+)(?:="([^"]*)")?\])\)?/g)];
  if (parts.map((part) => part[0]).join("") !== rest) throw new Error(`the test page cannot match ${selector}`);
  return parts.every(([, negated, className, name, value]) => {
    const found = className
      ? (node.getAttribute("class") ?? "").split(" ").includes(className)
      : node.hasAttribute(name) && (value === undefined || node.getAttribute(name) === value);
    return found === !negated;
  });
}

// The real one keeps the process of the tests alive.
class FakeMessageChannel {
  port1 = {};
  port2 = { postMessage: (data) => setImmediate(() => this.port1.onmessage({ data })) };
}

/** A window with `body` as its elements. `globals` are set on it; `reported` collects errors that scripts report. */
export class Page {
  constructor(body = [], globals = {}) {
    this.reported = [];
    this.listeners = [];
    const root = new Element("html", {}, body);
    const listen = (type, callback) => this.listeners.push({ type, callback });
    const document = {
      querySelector: (selector) => root.querySelector(selector),
      querySelectorAll: (selector) => root.querySelectorAll(selector),
      getElementById: (id) => root.descendants().find((found) => found.id === id) ?? null,
      getElementsByTagName: (tag) => root.querySelectorAll(tag),
      getAnimations: () => [],
      addEventListener: listen,
      scripts: [],
      images: [],
      fonts: [],
      readyState: "complete",
    };
    this.window = vm.createContext({
      document,
      addEventListener: listen,
      performance: { now: () => 0 },
      requestAnimationFrame: () => 0,
      cancelAnimationFrame: () => {},
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      crypto: {},
      frames: [],
      reportError: (error) => this.reported.push(error),
      MessageChannel: FakeMessageChannel,
      CSS: { escape: (text) => text },
      Node: Element,
      Element,
      HTMLMediaElement: MediaElement,
      HTMLVideoElement: VideoElement,
      HTMLImageElement: ImageElement,
      CSSTransition: class {},
      getComputedStyle: (found) => found.style ?? { animationName: "none", opacity: "1" },
      ...globals,
    });
    this.run("globalThis.window = globalThis; globalThis.top = globalThis;");
  }
  run(text, filename = "page.js") {
    return vm.runInContext(text, this.window, { filename });
  }
  /** Run scripts of browser/js. Return the object that the last one defines: `timing` defines __hyperframesRenderTiming. */
  load(...names) {
    for (const name of names) this.run(readScript(name), `${name}.js`);
    return this.window[`__hyperframesRender${names.at(-1).replace(/(?:^|-)(\w)/g, (_, first) => first.toUpperCase())}`];
  }
  /** Run bridge.js, which is a function of the frame rate. */
  loadBridge(fps) {
    this.run(readScript("bridge").trimEnd().replace(/;$/, ""), "bridge.js")(fps);
    return this.window.__hyperframesRender;
  }
  dispatch(type, event = {}) {
    for (const listener of this.listeners) if (listener.type === type) listener.callback(event);
  }
}

const readScript = (name) => readFileSync(new URL(`${name}.js`, SCRIPTS), "utf8");

/** Copies a value out of the page's realm, for deepEqual. */
export const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** A GSAP timeline as far as the scripts use one. `onSeek` is called with each time. */
export function timeline(duration, { children = [], repeat = 0, onSeek = () => {} } = {}) {
  let time = 0;
  return {
    getChildren: () => children,
    totalDuration: () => duration,
    totalTime(...values) {
      if (!values.length) return time;
      time = values[0];
      onSeek(time);
      return this;
    },
    repeat: () => repeat,
    timeScale: () => 1,
    delay: () => 0,
    startTime: () => 0,
  };
}
