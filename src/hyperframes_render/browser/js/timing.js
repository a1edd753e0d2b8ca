// Start, length and speed of timed elements, in seconds. The times of an element count from the start of its composition.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderTiming")) return;
  const lanes = window.__hyperframesRenderLanes;
  const { knownStateOf, videos } = window.__hyperframesRenderMediaElements;
  // Seconds of the longest video.
  const LONGEST = 4 * 3600;
  // Seconds (31 years) that replace every longer time, so that sums and quotients of times stay finite.
  const LIMIT = 1e9;

  /** @type {(value: number) => number} */
  const limited = (value) => Math.min(LIMIT, Math.max(-LIMIT, value));

  /** @type {(element: Element, attribute: string, fallback: number) => number} */
  const numberOf = (element, attribute, fallback) => {
    const value = Number.parseFloat(element.getAttribute(attribute) ?? "");
    return Number.isFinite(value) ? value : fallback;
  };

  // A time must be a plain number, as in the page runtime: "5s" is not one.
  /** @type {(element: Element, attribute: string) => number | null} */
  const secondsOf = (element, attribute) => {
    const text = element.getAttribute(attribute) ?? "";
    const value = text.trim() ? Number(text) : NaN;
    return Number.isFinite(value) ? limited(value) : null;
  };

  /** @type {(element: Element, attribute: string) => number | null} */
  const inPoint = (element, attribute) => {
    const value = secondsOf(element, attribute);
    return value !== null && value >= 0 ? value : null;
  };

  /** @type {(element: Element) => Element | null} */
  const compositionOf = (element) => element.parentElement?.closest("[data-composition-id]") ?? null;

  /** @type {(element: Element) => string} */
  const nameOf = (element) =>
    element.id ||
    element.getAttribute("data-composition-id") ||
    element.getAttribute("src")?.slice(0, 60) ||
    element.tagName.toLowerCase();

  // Seconds of the file, or of the composition's own time, at which playback starts.
  /** @type {(element: Element) => number} */
  const trimOf = (element) => inPoint(element, "data-playback-start") ?? inPoint(element, "data-media-start") ?? 0;

  /** @type {(element: Element) => number} */
  const rateOf = (element) => {
    const rate = numberOf(element, "data-playback-rate", 1);
    return rate > 0 ? Math.min(10, Math.max(0.1, rate)) : 1;
  };

  // Converts seconds since the element's start to seconds of its file since the trim, and back.
  /** @type {(element: Element) => MediaClock} */
  const mediaClockOf = (element) => {
    const rate = rateOf(element);
    return lanes.rate(element) ?? { source: (time) => time * rate, time: (source) => source / rate };
  };

  // Parses a data-start that names another element ("intro", "intro + 1.5"): the element starts at the named element's
  // end plus the offset. A text that is a valid id is always an id: "clip-1" is not "clip" minus 1.
  /** @param {string} text */
  function referenceIn(text) {
    if (/^[A-Za-z0-9_.:-]+$/.test(text)) return { id: text, offset: 0 };
    const [, id, sign, seconds] = /^([A-Za-z0-9_.:-]+)\s*([+-])\s*(\d+(?:\.\d+)?|\.\d+)$/.exec(text) ?? [];
    return id ? { id, offset: Number(`${sign}${seconds}`) } : null;
  }

  /**
   * @param {Element} element
   * @param {Set<Element>} visited The elements whose start is being resolved; a circular reference starts at 0.
   * @returns {number}
   */
  function startOf(element, visited = new Set()) {
    const box = boxOf(element);
    if (box) return startOf(box, visited);
    const text = (element.getAttribute("data-start") ?? "").trim();
    const value = Number(text);
    if (text && Number.isFinite(value)) return limited(Math.max(0, value));
    const reference = referenceIn(text);
    if (!reference || visited.has(element)) return 0;
    visited.add(element);
    const named =
      document.getElementById(reference.id) ??
      document.querySelector(`[data-composition-id="${CSS.escape(reference.id)}"]`);
    if (!named) return 0;
    return limited(Math.max(0, startOf(named, visited) + (lengthOf(named) ?? 0) + reference.offset));
  }

  // The clip that a video or sound without data-start is in, within the same composition: it starts and ends with that.
  /** @type {(element: Element) => Element | null} */
  function boxOf(element) {
    if (!(element instanceof HTMLMediaElement) || element.hasAttribute("data-start")) return null;
    const clip = element.parentElement?.closest("[data-start]") ?? null;
    return clip && compositionOf(clip) && compositionOf(clip) === compositionOf(element) ? clip : null;
  }

  // The length of an element: declared, or of its timeline or media file. Null if there is none.
  /** @type {(element: Element) => number | null} */
  function lengthOf(element) {
    // The page runtime renames a host's attributes while it computes another length.
    const declared = secondsOf(element, "data-duration") ?? secondsOf(element, "data-hf-authored-duration");
    if (declared !== null && declared > 0) return declared;
    const end = secondsOf(element, "data-end") ?? secondsOf(element, "data-hf-authored-end");
    if (end !== null) return Math.max(0, end - startOf(element));
    // The host of a sub-composition lasts as long as its timeline.
    const timeline =
      element.hasAttribute("data-composition-src") || element.hasAttribute("data-composition-file")
        ? window.__timelines?.[element.getAttribute("data-composition-id") ?? "null"]
        : null;
    if (typeof timeline?.totalDuration === "function" && timeline.totalDuration() > 0)
      return limited(timeline.totalDuration());
    if (!(element instanceof HTMLMediaElement)) return null;
    const duration = knownStateOf(element)?.facts?.duration;
    return duration && !element.loop ? Math.max(0, mediaClockOf(element).time(duration - trimOf(element))) : null;
  }

  // The clock of a composition in the video. The root composition and null run at the video's own time.
  /** @type {(composition: Element | null) => CompositionClock} */
  function clockOf(composition) {
    const outer = composition && compositionOf(composition);
    if (!outer) return { start: 0, from: 0, rate: 1, end: Infinity };
    const outerClock = clockOf(outer);
    const toVideo = (/** @type {number} */ local) => outerClock.start + (local - outerClock.from) / outerClock.rate;
    const start = startOf(composition);
    const length = lengthOf(composition);
    return {
      start: toVideo(start),
      from: trimOf(composition),
      rate: outerClock.rate * rateOf(composition),
      end: Math.min(outerClock.end, length === null ? Infinity : toVideo(start + length)),
    };
  }

  /** @type {(id: string) => CompositionClock} */
  const clockOfId = (id) => clockOf(document.querySelector(`[data-composition-id="${CSS.escape(id)}"]`));

  // Videos of the markup without data-start begin when they are first visible, as in the official renderer: when the root
  // timeline gives an opacity above 0 to their scene (class "scene") or, without a scene, to the video itself. Videos that
  // are visible from the beginning start with their composition, as other elements do. Values: seconds of the video.
  /** @type {Map<Element, number>} */
  const visibleFrom = new Map();
  document.addEventListener(
    "DOMContentLoaded",
    () => {
      for (const element of document.querySelectorAll("video:not([data-start])")) visibleFrom.set(element, 0);
    },
    { once: true },
  );
  // Search step and precision of the official renderer, in seconds. Other values would choose other video frames.
  const SEARCH_STEP = 0.1;
  const PRECISION = 1 / 60;

  // Finds when the videos without data-start are first visible. Called once, before the first frame.
  /** @param {number} duration */
  function findStarts(duration) {
    const id = document.querySelector("[data-composition-id]")?.getAttribute("data-composition-id");
    const timeline = window.__timelines?.[String(id)];
    for (const element of visibleFrom.keys()) {
      if (!(element instanceof HTMLVideoElement && videos.has(element) && element.isConnected))
        visibleFrom.delete(element);
    }
    if (!timeline || typeof timeline.totalTime !== "function") {
      visibleFrom.clear();
      return;
    }
    if (!visibleFrom.size) return;
    const isVisible = (/** @type {Element} */ element, /** @type {number} */ time) => {
      timeline.totalTime(time, true);
      return Number.parseFloat(getComputedStyle(element.closest(".scene") ?? element).opacity) > 0;
    };
    const hidden = new Set(visibleFrom.keys());
    for (let time = 0; hidden.size && time <= Math.min(duration, LONGEST); time += SEARCH_STEP) {
      for (const element of hidden) {
        if (!isVisible(element, time)) continue;
        let [from, to] = [Math.max(0, time - SEARCH_STEP), time];
        while (to - from > PRECISION) {
          const middle = (from + to) / 2;
          if (isVisible(element, middle)) to = middle;
          else from = middle;
        }
        if (to > 0) visibleFrom.set(element, to);
        else visibleFrom.delete(element);
        hidden.delete(element);
      }
    }
    for (const element of hidden) visibleFrom.delete(element);
    timeline.totalTime(0, true);
  }

  // Seconds since the element's start, in its composition's own time, at `seconds` of the video.
  /** @type {(element: Element, seconds: number) => number} */
  function elapsed(element, seconds) {
    const first = visibleFrom.get(element);
    if (first !== undefined) return seconds - first;
    // An animated image starts with its clip.
    if (element instanceof HTMLImageElement && !element.hasAttribute("data-start"))
      return elapsedInClip(element, seconds);
    if (element.getAttribute("data-hf-media-start-basis") === "global") return seconds - startOf(element);
    const clock = clockOf(compositionOf(element));
    return clock.from + (seconds - clock.start) * clock.rate - startOf(element);
  }

  // Seconds since the start of the clip that contains the element, or is the element.
  /** @type {(element: Element, seconds: number) => number} */
  function elapsedInClip(element, seconds) {
    const clip = element.closest("[data-start]");
    return clip?.parentElement && compositionOf(clip) ? elapsed(clip, seconds) : seconds;
  }

  Object.defineProperty(window, "__hyperframesRenderTiming", {
    value: Object.freeze({
      numberOf,
      nameOf,
      compositionOf,
      trimOf,
      rateOf,
      mediaClockOf,
      startOf: (/** @type {Element} */ element) => startOf(element),
      lengthOf,
      boxOf,
      clockOf,
      clockOfId,
      firstSeen: (/** @type {Element} */ element) => visibleFrom.get(element),
      findStarts,
      elapsed,
      elapsedInClip,
    }),
  });
})();
