// A page without a composition root. Its body, or the element that the compiler marked, becomes the root. The page keeps
// its layout. All registered timelines run at the time of the video, under any key, and clips are stacked by track.
// This file is a function of the page's composition id and its length in seconds (null: unknown).
/** @param {{ id: string, duration: number | null }} page */
(page) => {
  "use strict";
  const { id, duration } = page;
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderRootless")) return;
  const clock = window.__hyperframesRenderClock;
  const { infer, registered, isGsap, isAnime, isTimeline } = window.__hyperframesRenderLength;
  // Seconds, as long as the longest video. The page runtime must not end the page before its length is known.
  const UNKNOWN = 4 * 3600;
  // The style properties that the page runtime sets on html and body, for compositions that fill them.
  const LAYOUT = ["margin", "padding", "overflow", "width", "height", "position", "visibility"];
  const byRuntime = (more = 0) => clock.caller(1 + more).includes(clock.OUR_FILES);

  // The runtime binds this object if no timeline is GSAP's. Otherwise it would bind the timeline of another library as if it
  // were GSAP's, and seek it in seconds.
  /** @type {Record<string, (...values: unknown[]) => unknown>} */
  const idle = Object.fromEntries(
    ["play", "pause", "seek", "totalTime", "timeScale", "progress"].map((name) => [name, () => idle]),
  );
  Object.assign(idle, { time: () => 0, paused: () => true, duration: () => UNKNOWN, totalDuration: () => UNKNOWN });

  // --- Timelines. A master timeline, under the page's id, gets all registered GSAP timelines as its children. The runtime
  // binds it as the root's timeline, so that callbacks, sets and first frames behave as in a composition.
  /** @type {unknown} */
  let registry;
  /** @type {GsapTimeline | null} */
  let master = null;
  /** @type {GsapTimeline | null} */
  let bound = null; // the master that the runtime has bound
  let settled = false;
  const adopted = new WeakSet();

  // The timeline class of the copy of GSAP that made the animation.
  /** @param {GsapAnimation} animation */
  function classOf(animation) {
    for (let found = /** @type {GsapAnimation | null} */ (animation); found; found = found.parent)
      if ("getChildren" in found && typeof found.getChildren === "function")
        return /** @type {new (vars: object) => GsapTimeline} */ (found.constructor);
    return null;
  }

  // Whether a timeline is inside another registered one, which seeks it.
  /** @type {(timeline: { parent?: GsapAnimation | null }, all: Set<unknown>) => boolean} */
  function isInner(timeline, all) {
    for (let outer = timeline.parent ?? null; outer; outer = outer.parent) if (all.has(outer)) return true;
    return false;
  }

  function adopt() {
    const all = new Set(registered().filter(isGsap));
    for (const timeline of all) {
      if (adopted.has(timeline) || isInner(timeline, all)) continue;
      const Timeline = master ? null : classOf(timeline);
      if (Timeline) {
        master = new Timeline({ paused: true });
        // The master lasts as long as the page, even if its children do not.
        master.to({}, { duration: UNKNOWN });
        // The runtime sets the progress forward and back, which would run callbacks on the way.
        master.progress = (...values) => (values.length ? master : 0);
      }
      // Another copy of GSAP has its own clock and classes.
      if (!master || classOf(timeline) !== master.constructor) continue;
      adopted.add(timeline);
      master.add(timeline, 0);
      timeline.paused(false);
    }
    if (master && bound !== master) {
      bound = master;
      if (settled) window.__hfForceTimelineRebind?.();
    }
    return master ?? idle;
  }

  // Replaces the registry. The runtime creates the first one: an array is used, so that pages may push to it. A page that
  // assigns a single timeline gets an array of it.
  /** @param {unknown} assigned */
  function register(assigned) {
    const single = assigned !== null && typeof assigned === "object" && isTimeline(assigned);
    const value = byRuntime(1) ? [] : single ? [assigned] : assigned;
    registry = value;
    if (value && typeof value === "object" && !Object.hasOwn(value, id)) {
      try {
        Object.defineProperty(value, id, { configurable: true, enumerable: false, get: adopt });
      } catch {} // the page froze it
    }
  }

  Object.defineProperty(window, "__timelines", {
    configurable: true,
    enumerable: true,
    get: () => registry,
    // The runtime replaces an array by an object. It is ignored: timelines that the page pushes to its array must be found.
    set: (value) => {
      if (!(registry && byRuntime())) register(value);
    },
  });

  // Seeks the timelines of other libraries, and of other copies of GSAP. A plain object with `seek` takes seconds, as in the
  // page runtime.
  /** @param {number} seconds */
  function seekOthers(seconds) {
    const all = new Set(registered());
    for (const timeline of all) {
      if (adopted.has(timeline) || isInner(/** @type {{ parent?: GsapAnimation }} */ (timeline), all)) continue;
      timeline.pause?.();
      if (isGsap(timeline)) timeline.totalTime(Math.max(0, seconds - timeline.delay()) * (timeline.timeScale() || 1));
      else timeline.seek(isAnime(timeline) ? seconds * 1000 : seconds);
    }
  }

  // --- Layout.
  /** @type {Element | null} */
  let root = null;
  let changed = true; // whether clips may have been added

  // Ignores the layout that the runtime sets on an element.
  /** @param {HTMLElement} element */
  function keepLayout(element) {
    const { style } = element;
    for (const name of LAYOUT) {
      Object.defineProperty(style, name, {
        configurable: true,
        get: () => style.getPropertyValue(name),
        set: (value) => {
          if (byRuntime()) return;
          if (value) style.setProperty(name, value);
          else style.removeProperty(name);
        },
      });
    }
  }

  // A clip without data-start starts at 0. A clip without a z-index is drawn in front of clips of lower tracks.
  function placeClips() {
    changed = false;
    for (const element of document.querySelectorAll(".clip:not([data-start])")) element.setAttribute("data-start", "0");
    /** @type {NodeListOf<HTMLElement>} */
    const clips = document.querySelectorAll("[data-track-index][data-start]");
    for (const element of clips) {
      const track = Number.parseInt(element.getAttribute("data-track-index") ?? "", 10);
      if (Number.isFinite(track) && getComputedStyle(element).zIndex === "auto") element.style.zIndex = String(track);
    }
  }

  document.addEventListener(
    "DOMContentLoaded",
    () => {
      root = document.querySelector(`[data-composition-id="${id}"]`) ?? document.body;
      if (!root) return;
      root.setAttribute("data-composition-id", id);
      root.setAttribute("data-duration", String(duration ?? UNKNOWN));
      if (root === document.body) for (const element of [document.documentElement, document.body]) keepLayout(element);
      placeClips();
      new MutationObserver(() => {
        changed = true;
      }).observe(root, {
        childList: true,
        subtree: true,
        attributes: true,
        attributeFilter: ["class", "data-start", "data-track-index"],
      });
    },
    { capture: true, once: true },
  );

  // Determines the page's length once everything is loaded, and declares it to the runtime.
  /** @returns {Length} */
  function settle() {
    placeClips();
    settled = true;
    /** @type {Length} */
    const found = duration === null ? infer() : { seconds: duration, from: "" };
    root?.setAttribute("data-duration", String(found.seconds || UNKNOWN));
    return found;
  }

  // Called before each seek.
  /** @param {number} seconds */
  function advance(seconds) {
    if (changed) placeClips();
    adopt();
    seekOthers(seconds);
  }

  Object.defineProperty(window, "__hyperframesRenderRootless", { value: Object.freeze({ settle, advance }) });
};
