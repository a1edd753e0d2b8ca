// A page without a composition root: its body becomes the root (or the element that the compiler marked), and the page
// keeps its own layout. All registered timelines run at the video's time, whatever their keys; clips layer by track.
// A function of what is known of the page: its id as a composition, and its length in seconds or null.
(page) => {
  "use strict";
  const { id, duration } = page;
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderRootless")) return;
  const clock = window.__hyperframesRenderClock;
  const { infer, registered, isGsap, isAnime, isTimeline } = window.__hyperframesRenderLength;
  // Seconds: longer than any video. The runtime must not end the page before its length is known.
  const UNKNOWN = 4 * 3600;
  // What the page runtime sets on html and body, which is for compositions that fill them.
  const LAYOUT = ["margin", "padding", "overflow", "width", "height", "position", "visibility"];
  const byRuntime = (more = 0) => clock.caller(1 + more).includes(clock.OUR_FILES);

  // What the runtime binds where no timeline is GSAP's: it would take another library's for one, and seek it in seconds.
  const idle = Object.fromEntries(
    ["play", "pause", "seek", "totalTime", "timeScale", "progress"].map((name) => [name, () => idle]),
  );
  Object.assign(idle, { time: () => 0, paused: () => true, duration: () => UNKNOWN, totalDuration: () => UNKNOWN });

  // --- Timelines: one of our own, under the page's id, has all of GSAP's that are registered as its children. The
  // runtime binds it as the root's timeline, so that callbacks, sets and first frames are as in a composition.
  let registry;
  let master = null;
  let bound = null; // the master that the runtime knows
  let settled = false;
  const adopted = new WeakSet();

  function classOf(animation) {
    for (let found = animation; found; found = found.parent)
      if (typeof found.getChildren === "function") return found.constructor;
    return null;
  }

  // A timeline that stands in another registered one runs with that.
  function isInner(timeline, all) {
    for (let outer = timeline.parent; outer; outer = outer.parent) if (all.has(outer)) return true;
    return false;
  }

  function adopt() {
    const all = new Set(registered().filter(isGsap));
    for (const timeline of all) {
      if (adopted.has(timeline) || isInner(timeline, all)) continue;
      const Timeline = master ? null : classOf(timeline);
      if (Timeline) {
        master = new Timeline({ paused: true });
        // It lasts as long as the page, also where its children do not.
        master.to({}, { duration: UNKNOWN });
        // The runtime looks ahead by a share of the length and back, which would call callbacks on the way.
        master.progress = (...value) => (value.length ? master : 0);
      }
      // Another copy of GSAP has a clock and classes of its own.
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

  // What there is before the page registers anything is the runtime's: a list, so that pages may push to it as well.
  // A timeline by itself is a list of one.
  function register(value) {
    registry = byRuntime(1) ? [] : value !== null && typeof value === "object" && isTimeline(value) ? [value] : value;
    value = registry;
    if (value && typeof value === "object" && !Object.hasOwn(value, id)) {
      try {
        Object.defineProperty(value, id, { configurable: true, enumerable: false, get: adopt });
      } catch {} // a frozen one
    }
  }

  Object.defineProperty(window, "__timelines", {
    configurable: true,
    enumerable: true,
    get: () => registry,
    // The runtime makes an object of a list: what the page adds to its list later must be found.
    set: (value) => {
      if (!(registry && byRuntime())) register(value);
    },
  });

  // Timelines of other libraries, and of another copy of GSAP; a plain object with `seek` takes seconds, as by the page
  // runtime.
  function seekOthers(seconds) {
    const all = new Set(registered());
    for (const timeline of all) {
      if (adopted.has(timeline) || isInner(timeline, all)) continue;
      timeline.pause?.();
      if (isGsap(timeline)) timeline.totalTime(Math.max(0, seconds - timeline.delay()) * (timeline.timeScale() || 1));
      else timeline.seek(isAnime(timeline) ? seconds * 1000 : seconds);
    }
  }

  // --- Layout.
  let root = null;
  let changed = true; // clips may have come

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

  // A clip needs no start, and is in front of those of lower tracks where its author says nothing else.
  function placeClips() {
    changed = false;
    for (const element of document.querySelectorAll(".clip:not([data-start])")) element.setAttribute("data-start", "0");
    for (const element of document.querySelectorAll("[data-track-index][data-start]")) {
      const track = Number.parseInt(element.getAttribute("data-track-index"), 10);
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

  // The page's length, now that all is there; the runtime gets it.
  function settle() {
    placeClips();
    settled = true;
    const found = duration === null ? infer() : { seconds: duration, from: "" };
    root?.setAttribute("data-duration", String(found.seconds || UNKNOWN));
    return found;
  }

  // Before each seek.
  function advance(seconds) {
    if (changed) placeClips();
    adopt();
    seekOthers(seconds);
  }

  Object.defineProperty(window, "__hyperframesRenderRootless", { value: Object.freeze({ settle, advance }) });
};
