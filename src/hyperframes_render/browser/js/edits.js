// Runs before any script of the page: what was moved, resized, turned or animated by hand in the HyperFrames Studio.
// The Studio writes such edits as attributes and style properties of the element. Timelines draw over them: they are
// laid on again after every seek. (What its SDK moves, data-hf-edit-base-x, the page runtime lays on by itself.)
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderEdits")) return;
  const MOVED = '[data-hf-studio-path-offset="true"]';
  const RESIZED = '[data-hf-studio-box-size="true"]';
  const TURNED = '[data-hf-studio-rotation="true"]';
  const ANIMATED = "[data-hf-studio-motion]";
  const TIMELINE = "studio-motion"; // its name among the page's timelines
  const { DOMMatrix } = window;
  let edited = null; // not known before the page's scripts have run
  let motions = null; // what the timeline was made of

  const all = (selector) =>
    [...document.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement);
  const authored = (element, attribute) => {
    const value = element.getAttribute(attribute)?.trim() ?? "";
    return value === "none" ? "" : value;
  };
  // The parts of a style value: blanks inside brackets do not part it.
  const parts = (value) => value.match(/(?:[^\s()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+/g) ?? [];
  const sum = (one, other) => (one ? `calc(${one} + ${other})` : other);

  // GSAP takes `translate` and `rotate` into the transform, where they would count twice.
  function dropMove(element) {
    const transform = element.style.getPropertyValue("transform");
    if (!transform || transform === "none") return;
    let matrix;
    try {
      matrix = new DOMMatrix(transform);
    } catch {
      return; // of units that only layout knows
    }
    if (!matrix.m41 && !matrix.m42) return;
    matrix.m41 = matrix.m42 = 0;
    if (matrix.isIdentity) element.style.removeProperty("transform");
    else element.style.setProperty("transform", matrix.toString());
  }

  function move(element) {
    const { style } = element;
    if (!style.getPropertyValue("--hf-studio-offset-x") && !style.getPropertyValue("--hf-studio-offset-y")) return;
    const [x, y, z = ""] = parts(authored(element, "data-hf-studio-original-translate"));
    style.setProperty(
      "translate",
      `${sum(x, "var(--hf-studio-offset-x, 0px)")} ${sum(y, "var(--hf-studio-offset-y, 0px)")} ${z}`,
    );
    dropMove(element);
  }

  function resize(element) {
    for (const side of ["width", "height"]) {
      const length = element.style.getPropertyValue(`--hf-studio-${side}`);
      if (length) element.style.setProperty(side, length);
    }
  }

  function turn(element) {
    if (!element.style.getPropertyValue("--hf-studio-rotation")) return;
    const angle = authored(element, "data-hf-studio-original-rotate");
    element.style.setProperty(
      "rotate",
      sum(/^-?[\d.]+(?:deg|rad|turn|grad)$/.test(angle) ? angle : "", "var(--hf-studio-rotation, 0deg)"),
    );
    dropMove(element);
  }

  // An element's motion: {start, duration} in seconds, {from, to} as GSAP takes them, {ease}, {customEase: {id, data}}.
  function addMotion(timeline, element) {
    let motion;
    try {
      motion = JSON.parse(element.getAttribute("data-hf-studio-motion"));
    } catch {
      return;
    }
    const { start, duration, from, to, customEase } = motion ?? {};
    if (!Number.isFinite(start) || !(Number.isFinite(duration) && duration > 0)) return;
    let ease = typeof motion.ease === "string" ? motion.ease : "none";
    if (customEase?.id && customEase.data && window.CustomEase?.create) {
      window.gsap.registerPlugin(window.CustomEase);
      window.CustomEase.create(customEase.id, customEase.data);
      ease = customEase.id;
    }
    timeline.fromTo(element, { ...from }, { ...to, duration, ease, overwrite: "auto", immediateRender: false }, start);
  }

  function animate(seconds) {
    const elements = all(ANIMATED);
    if (!elements.length || typeof window.gsap?.timeline !== "function") return;
    const registry = (window.__timelines ??= {});
    const written = elements.map((element) => element.getAttribute("data-hf-studio-motion")).join("\n");
    if (written !== motions || !registry[TIMELINE]) {
      registry[TIMELINE]?.kill?.();
      motions = written;
      const timeline = window.gsap.timeline({ paused: true, defaults: { overwrite: "auto" } });
      for (const element of elements) addMotion(timeline, element);
      registry[TIMELINE] = timeline;
    }
    registry[TIMELINE].totalTime(seconds, false);
  }

  // Lay the edits on as they are at `seconds` of the video. Where a page has none of them when it is ready, nothing is done.
  function apply(seconds) {
    edited ??= document.querySelector([MOVED, RESIZED, TURNED, ANIMATED].join()) !== null;
    if (!edited) return;
    all(MOVED).forEach(move);
    all(RESIZED).forEach(resize);
    all(TURNED).forEach(turn);
    animate(seconds);
  }

  Object.defineProperty(window, "__hyperframesRenderEdits", { value: Object.freeze({ apply }) });
})();
