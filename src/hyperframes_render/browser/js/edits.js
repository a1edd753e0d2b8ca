// Edits made by hand in the HyperFrames Studio: elements that were moved, resized, rotated or animated. Runs before any
// script of the page. The Studio writes edits as attributes and style properties of the element. Timelines overwrite
// them, so they are applied again after every seek. (The page runtime itself applies the moves of the Studio's SDK,
// data-hf-edit-base-x.)
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderEdits")) return;
  const MOVED = '[data-hf-studio-path-offset="true"]';
  const RESIZED = '[data-hf-studio-box-size="true"]';
  const ROTATED = '[data-hf-studio-rotation="true"]';
  const ANIMATED = "[data-hf-studio-motion]";
  const TIMELINE = "studio-motion"; // its name among the page's timelines
  const { DOMMatrix } = window;
  /** @type {boolean | null} */
  let edited = null; // null: unknown before the page's scripts have run
  /** @type {string | null} */
  let motions = null; // the attributes from which the timeline was made

  const all = (/** @type {string} */ selector) =>
    [...document.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement);
  /** @type {(element: Element, attribute: string) => string} */
  const authored = (element, attribute) => {
    const value = element.getAttribute(attribute)?.trim() ?? "";
    return value === "none" ? "" : value;
  };
  // The parts of a style value. Spaces inside parentheses do not separate parts.
  /** @type {(value: string) => string[]} */
  const parts = (value) => value.match(/(?:[^\s()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+/g) ?? [];
  /** @type {(one: string | undefined, other: string) => string} */
  const sum = (one, other) => (one ? `calc(${one} + ${other})` : other);

  // GSAP copies `translate` and `rotate` into the transform, where they would count twice.
  /** @param {HTMLElement} element */
  function dropTranslation(element) {
    const transform = element.style.getPropertyValue("transform");
    if (!transform || transform === "none") return;
    let matrix;
    try {
      matrix = new DOMMatrix(transform);
    } catch {
      return; // its units depend on the layout
    }
    if (!matrix.m41 && !matrix.m42) return;
    matrix.m41 = matrix.m42 = 0;
    if (matrix.isIdentity) element.style.removeProperty("transform");
    else element.style.setProperty("transform", matrix.toString());
  }

  /** @param {HTMLElement} element */
  function move(element) {
    const { style } = element;
    if (!style.getPropertyValue("--hf-studio-offset-x") && !style.getPropertyValue("--hf-studio-offset-y")) return;
    const [x, y, z = ""] = parts(authored(element, "data-hf-studio-original-translate"));
    style.setProperty(
      "translate",
      `${sum(x, "var(--hf-studio-offset-x, 0px)")} ${sum(y, "var(--hf-studio-offset-y, 0px)")} ${z}`,
    );
    dropTranslation(element);
  }

  /** @param {HTMLElement} element */
  function resize(element) {
    for (const side of ["width", "height"]) {
      const length = element.style.getPropertyValue(`--hf-studio-${side}`);
      if (length) element.style.setProperty(side, length);
    }
  }

  /** @param {HTMLElement} element */
  function rotate(element) {
    if (!element.style.getPropertyValue("--hf-studio-rotation")) return;
    const angle = authored(element, "data-hf-studio-original-rotate");
    element.style.setProperty(
      "rotate",
      sum(/^-?[\d.]+(?:deg|rad|turn|grad)$/.test(angle) ? angle : "", "var(--hf-studio-rotation, 0deg)"),
    );
    dropTranslation(element);
  }

  // Adds an element's motion to the timeline: {start, duration} in seconds, {from, to} as GSAP takes them, {ease}, {customEase: {id, data}}.
  /** @type {(gsap: Gsap, timeline: GsapTimeline, element: Element) => void} */
  function addMotion(gsap, timeline, element) {
    let motion;
    try {
      motion = JSON.parse(element.getAttribute("data-hf-studio-motion") ?? "null");
    } catch {
      return;
    }
    const { start, duration, from, to, customEase } = motion ?? {};
    if (!Number.isFinite(start) || !(Number.isFinite(duration) && duration > 0)) return;
    let ease = typeof motion.ease === "string" ? motion.ease : "none";
    if (customEase?.id && customEase.data && window.CustomEase?.create) {
      gsap.registerPlugin(window.CustomEase);
      window.CustomEase.create(customEase.id, customEase.data);
      ease = customEase.id;
    }
    timeline.fromTo(element, { ...from }, { ...to, duration, ease, overwrite: "auto", immediateRender: false }, start);
  }

  /** @param {number} seconds */
  function animate(seconds) {
    const elements = all(ANIMATED);
    const { gsap } = window;
    if (!elements.length || typeof gsap?.timeline !== "function") return;
    const registry = (window.__timelines ??= {});
    const written = elements.map((element) => element.getAttribute("data-hf-studio-motion")).join("\n");
    if (written !== motions || !registry[TIMELINE]) {
      registry[TIMELINE]?.kill?.();
      motions = written;
      const timeline = gsap.timeline({ paused: true, defaults: { overwrite: "auto" } });
      for (const element of elements) addMotion(gsap, timeline, element);
      registry[TIMELINE] = timeline;
    }
    registry[TIMELINE]?.totalTime(seconds, false);
  }

  // Applies the edits at `seconds` of the video. Does nothing in a page that had no edits at the first call.
  /** @param {number} seconds */
  function apply(seconds) {
    edited ??= document.querySelector([MOVED, RESIZED, ROTATED, ANIMATED].join()) !== null;
    if (!edited) return;
    all(MOVED).forEach(move);
    all(RESIZED).forEach(resize);
    all(ROTATED).forEach(rotate);
    animate(seconds);
  }

  Object.defineProperty(window, "__hyperframesRenderEdits", { value: Object.freeze({ apply }) });
})();
