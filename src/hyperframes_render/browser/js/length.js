// Infers the length of a page that declares none, in seconds: from its clips, timelines and animations.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderLength")) return;
  // A GSAP timeline that repeats without end has a length of 1e8 seconds or more.
  const ENDLESS = 1e7;
  const clips = window.__hyperframesRenderClips;
  const { list, inPage } = window.__hyperframesRenderAnimations;

  // The timelines in window.__timelines, which may be an object, an array, a Map or a Set.
  /** @type {RenderLength["registered"]} */
  function registered() {
    /** @type {unknown} */
    const registry = window.__timelines;
    if (!registry || typeof registry !== "object") return [];
    /** @type {(value: object) => unknown[]} */
    const inside = (value) =>
      value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value);
    // Timelines may also be one level deeper: { scenes: [timeline] }, [{ id, timeline }].
    const found = inside(registry).flatMap((value) =>
      isObject(value) && !isTimeline(value) && !canSeek(value) ? inside(value) : [value],
    );
    return [...new Set(found)]
      .filter((value) => isObject(value))
      .filter((value) => isTimeline(value) || canSeek(value));
  }
  /** @type {(value: unknown) => value is object} */
  const isObject = (value) => value !== null && typeof value === "object" && !(value instanceof Node);
  /** @type {(value: object) => value is SeekableTimeline} */
  const canSeek = (value) => "seek" in value && typeof value.seek === "function";
  /** @type {RenderLength["isTimeline"]} */
  const isTimeline = (value) => isGsap(value) || isAnime(value);

  /** @type {RenderLength["isGsap"]} */
  const isGsap = (/** @type {Partial<GsapTimeline>} */ timeline) =>
    typeof timeline.totalTime === "function" && typeof timeline.totalDuration === "function";
  // The length of an anime.js timeline is a property, in milliseconds.
  /** @type {RenderLength["isAnime"]} */
  const isAnime = (/** @type {Partial<AnimeTimeline>} */ timeline) =>
    typeof timeline.duration === "number" && typeof timeline.seek === "function" && "began" in timeline;

  // The end of the last finite animation of a GSAP timeline or tween, in its own time.
  /** @type {(animation: GsapAnimation | GsapTimeline) => number} */
  function ownEnd(animation) {
    const total = animation.totalDuration();
    if (total < ENDLESS) return total;
    if (!("getChildren" in animation) || typeof animation.getChildren !== "function" || animation.repeat() < 0)
      return 0;
    return Math.max(0, ...animation.getChildren(false, true, true).map((child) => child.startTime() + endOf(child)));
  }
  /** @type {(animation: GsapAnimation | GsapTimeline) => number} */
  const endOf = (animation) => ownEnd(animation) / (Math.abs(animation.timeScale()) || 1);

  /** @param {GsapTimeline | AnimeTimeline | SeekableTimeline} timeline */
  function endOfTimeline(timeline) {
    try {
      if (isGsap(timeline)) return (timeline.delay?.() ?? 0) + endOf(timeline);
      if (isAnime(timeline)) return Number.isFinite(timeline.duration) ? timeline.duration / 1000 : 0;
      return Number(typeof timeline.duration === "function" ? timeline.duration() : timeline.duration) || 0;
    } catch {
      return 0; // an object of another kind that resembles a timeline
    }
  }

  /** @type {(numbers: number[]) => number} */
  const longest = (numbers) => Math.max(0, ...numbers.filter((number) => Number.isFinite(number) && number < ENDLESS));
  const endOfTimelines = () => longest(registered().map(endOfTimeline));

  // The end of the last clip. `open`: some clip has no length and lasts until the video's end.
  function endOfClips() {
    const ends = clips.ends();
    const stated = longest(ends.filter((end) => end !== null));
    return { seconds: stated, open: ends.includes(null) || !ends.length };
  }

  // Ends of the browser's animations. An animation inside a clip counts from the clip's start.
  function ofBrowser() {
    return list().map((animation) => {
      const effect = /** @type {KeyframeEffect | null} */ (animation.effect);
      if (!effect?.target || animation instanceof CSSTransition) return 0;
      const start = animation instanceof CSSAnimation ? clips.startOfClip(inPage(effect.target)) : 0;
      return start + Number(effect.getComputedTiming().endTime) / 1000;
    });
  }

  // Ends of the CSS animations that are declared: the browser no longer lists those that have ended.
  function ofStyles() {
    /** @type {(text: string) => number[]} */
    const seconds = (text) =>
      text.split(",").map((part) => Number.parseFloat(part) * (part.trim().endsWith("ms") ? 0.001 : 1));
    return [...document.querySelectorAll("body *")].flatMap((element) => {
      const style = getComputedStyle(element);
      if (style.animationName === "none") return [];
      const durations = seconds(style.animationDuration);
      const delays = seconds(style.animationDelay);
      /** @type {(list: number[], index: number) => number} */
      const at = (list, index) => list[index % list.length] ?? 0;
      const counts = style.animationIterationCount
        .split(",")
        .map((text) => (text.trim() === "infinite" ? Infinity : Number(text)));
      const start = clips.startOfClip(element);
      return style.animationName.split(",").map((_, i) => start + at(delays, i) + at(durations, i) * at(counts, i));
    });
  }

  // Lengths of the Lottie files, even of those that loop.
  function ofLottie() {
    const players = new Set([...(window.lottie?.getRegisteredAnimations?.() ?? []), ...(window.__hfLottie ?? [])]);
    return [...players].map((player) => {
      const frames = Number(player.totalFrames);
      const rate = Number(player.frameRate);
      return frames > 0 && rate > 0 ? frames / rate : Number(player.duration) || 0;
    });
  }

  /** @type {Record<string, number>} */
  const UNITS = { ms: 0.001, s: 1, min: 60, h: 3600 }; // seconds

  // The start of an SVG animation. The browser knows it once it has drawn a frame; before, the element's attribute says it.
  /** @param {SVGAnimationElement} element */
  function startOf(element) {
    try {
      return element.getStartTime();
    } catch {
      const times = (element.getAttribute("begin") ?? "0").split(";").map((text) => {
        const [, number, unit = "s"] = text.trim().match(/^([\d.]+)\s*(ms|s|min|h)?$/) ?? [];
        return Number(number) * (UNITS[unit] ?? 1);
      });
      return Math.min(...times.filter(Number.isFinite)); // Infinity: it waits for an event
    }
  }

  // Ends of the SVG animations, with their repetitions.
  function ofSvg() {
    /** @type {NodeListOf<SVGAnimationElement>} */
    const found = document.querySelectorAll("animate, animateMotion, animateTransform, set");
    return [...found].map((element) => {
      try {
        const repeats = element.getAttribute("repeatCount")?.trim() ?? "1";
        return (
          startOf(element) + element.getSimpleDuration() * (repeats === "indefinite" ? Infinity : Number(repeats) || 1)
        );
      } catch {
        return 0; // it never begins, or it has no end
      }
    });
  }

  /** @param {() => number[]} find */
  function attempt(find) {
    try {
      return longest(find());
    } catch {
      return 0; // the page replaced a function that `find` calls
    }
  }
  const endOfAnimations = () => Math.max(...[ofBrowser, ofStyles, ofLottie, ofSvg].map(attempt));

  /** @returns {Length} */
  function infer() {
    const ofClips = endOfClips();
    const timelines = ofClips.open ? endOfTimelines() : 0;
    if (ofClips.seconds > 0 && ofClips.seconds >= timelines) return { seconds: ofClips.seconds, from: "clips" };
    if (timelines > 0) return { seconds: timelines, from: "timelines" };
    const animations = endOfAnimations();
    return { seconds: animations, from: animations > 0 ? "animations" : "" };
  }

  Object.defineProperty(window, "__hyperframesRenderLength", {
    value: Object.freeze({ infer, registered, isGsap, isAnime, isTimeline }),
  });
})();
