// Timed elements of the page, with resolved times in seconds of the video.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderClips")) return;
  const { numberOf, nameOf, compositionOf, startOf, lengthOf, clockOf } = window.__hyperframesRenderTiming;

  // The end of every timed element; null for one that lasts until the video's end. A media element is timed even without
  // data-start. An element inside a clip ends with the clip.
  function ends() {
    const all = [...document.querySelectorAll("[data-start], video, audio")].filter(compositionOf);
    /** @type {Map<Element, number>} */
    const known = new Map();
    /** @type {(element: Element) => number} */
    const endOf = (element) => {
      const found = known.get(element);
      if (found !== undefined) return found;
      const clock = clockOf(compositionOf(element));
      const length = lengthOf(element);
      const stated = length === null ? Infinity : clock.start + (startOf(element) + length - clock.from) / clock.rate;
      const outer = element.parentElement?.closest("[data-start]");
      const end = Math.min(stated, clock.end, outer && compositionOf(outer) ? endOf(outer) : Infinity);
      known.set(element, end);
      return end;
    };
    return all.map(endOf).map((end) => (Number.isFinite(end) ? end : null));
  }

  // The start of the clip that contains the element, or is the element.
  /** @type {(element: Element) => number} */
  function startOfClip(element) {
    const clip = element.closest?.("[data-start]");
    const composition = clip && compositionOf(clip);
    if (!composition) return 0;
    const clock = clockOf(composition);
    return clock.start + (startOf(clip) - clock.from) / clock.rate;
  }

  // All elements with data-start inside a composition, by track and start.
  /** @returns {Clip[]} */
  function clips() {
    const found = [];
    for (const element of document.querySelectorAll("[data-start]")) {
      const composition = compositionOf(element);
      if (!composition) continue;
      const clock = clockOf(composition);
      const start = clock.start + (startOf(element) - clock.from) / clock.rate;
      const length = lengthOf(element);
      const end = Math.min(clock.end, length === null ? Infinity : start + length / clock.rate);
      found.push({
        name: nameOf(element),
        kind: element.hasAttribute("data-composition-id") ? "composition" : element.localName,
        composition: composition.getAttribute("data-composition-id"),
        track: Math.trunc(numberOf(element, "data-track-index", numberOf(element, "data-layer", 0))),
        start,
        end: Number.isFinite(end) ? end : null,
        source: element.getAttribute("data-composition-file") ?? element.getAttribute("src")?.slice(0, 120) ?? "",
      });
    }
    return found.sort((a, b) => a.track - b.track || a.start - b.start);
  }

  Object.defineProperty(window, "__hyperframesRenderClips", { value: Object.freeze({ clips, ends, startOfClip }) });
})();
