// How long a page lasts by what is in it, in seconds: for pages that do not say it.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderLength")) return;
  // GSAP gives a timeline that repeats for ever a length of 1e8 seconds or more.
  const ENDLESS = 1e7;
  const clips = window.__hyperframesRenderClips;
  const { roots } = window.__hyperframesRenderAnimations;

  // What is registered under window.__timelines: an object, a list, or a Map or Set.
  function registered() {
    const registry = window.__timelines;
    if (!registry || typeof registry !== "object") return [];
    const inside = (value) =>
      value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value);
    // One level down as well: { scenes: [timeline] }, [{ id, timeline }].
    const found = inside(registry).flatMap((value) =>
      isObject(value) && !isTimeline(value) && !canSeek(value) ? inside(value) : [value],
    );
    return [...new Set(found)].filter((value) => isObject(value) && (isTimeline(value) || canSeek(value)));
  }
  const isObject = (value) => value !== null && typeof value === "object" && !(value instanceof Node);
  const canSeek = (value) => typeof value.seek === "function";
  const isTimeline = (value) => isGsap(value) || isAnime(value);

  const isGsap = (timeline) => typeof timeline.totalTime === "function" && typeof timeline.totalDuration === "function";
  // Lengths of anime.js are properties, in milliseconds.
  const isAnime = (timeline) =>
    typeof timeline.duration === "number" && typeof timeline.seek === "function" && "began" in timeline;

  // The end of the last finite animation of a GSAP timeline or tween, in its own time.
  function ownEnd(animation) {
    const total = animation.totalDuration();
    if (total < ENDLESS) return total;
    if (typeof animation.getChildren !== "function" || animation.repeat() < 0) return 0;
    return Math.max(0, ...animation.getChildren(false, true, true).map((child) => child.startTime() + endOf(child)));
  }
  const endOf = (animation) => ownEnd(animation) / (Math.abs(animation.timeScale()) || 1);

  function endOfTimeline(timeline) {
    try {
      if (isGsap(timeline)) return (timeline.delay?.() ?? 0) + endOf(timeline);
      if (isAnime(timeline)) return Number.isFinite(timeline.duration) ? timeline.duration / 1000 : 0;
      return Number(typeof timeline.duration === "function" ? timeline.duration() : timeline.duration) || 0;
    } catch {
      return 0; // of a kind that only looks like one
    }
  }

  const longest = (numbers) => Math.max(0, ...numbers.filter((number) => Number.isFinite(number) && number < ENDLESS));
  const endOfTimelines = () => longest(registered().map(endOfTimeline));

  // The last clip's end; a clip that states no length lasts to the end, which its timelines may tell.
  function endOfClips() {
    const ends = clips.ends();
    const stated = longest(ends.filter((end) => end !== null));
    return { seconds: stated, open: ends.includes(null) || !ends.length };
  }

  // What the browser animates. An animation of a clip counts from the clip's start.
  function ofBrowser() {
    return [document, ...roots.keys()]
      .flatMap((root) => root.getAnimations())
      .map((animation) => {
        const target = animation.effect?.target;
        if (!target || animation instanceof CSSTransition) return 0;
        return clips.startOfClip(target) + animation.effect.getComputedTiming().endTime / 1000;
      });
  }

  // CSS animations that are over, which the browser no longer lists.
  function ofStyles() {
    const seconds = (text) =>
      text.split(",").map((part) => Number.parseFloat(part) * (part.trim().endsWith("ms") ? 0.001 : 1));
    return [...document.querySelectorAll("body *")].flatMap((element) => {
      const style = getComputedStyle(element);
      if (style.animationName === "none") return [];
      const [durations, delays] = [seconds(style.animationDuration), seconds(style.animationDelay)];
      const counts = style.animationIterationCount
        .split(",")
        .map((text) => (text.trim() === "infinite" ? Infinity : Number(text)));
      const start = clips.startOfClip(element);
      return style.animationName
        .split(",")
        .map((_, i) => start + delays[i % delays.length] + durations[i % durations.length] * counts[i % counts.length]);
    });
  }

  // Lottie files have a length of their own, also where they loop.
  function ofLottie() {
    const players = new Set([...(window.lottie?.getRegisteredAnimations?.() ?? []), ...(window.__hfLottie ?? [])]);
    return [...players].map((player) => {
      const frames = Number(player.totalFrames);
      const rate = Number(player.frameRate);
      return frames > 0 && rate > 0 ? frames / rate : Number(player.duration) || 0;
    });
  }

  // SVG's own animations: from their begin, as often as they say.
  function ofSvg() {
    return [...document.querySelectorAll("animate, animateMotion, animateTransform, set")].map((element) => {
      try {
        const repeats = element.getAttribute("repeatCount")?.trim() ?? "1";
        return (
          element.getStartTime() +
          element.getSimpleDuration() * (repeats === "indefinite" ? Infinity : Number(repeats) || 1)
        );
      } catch {
        return 0; // it never begins, or has no end
      }
    });
  }

  function attempt(find) {
    try {
      return longest(find());
    } catch {
      return 0; // the page replaced what this asks
    }
  }
  const endOfAnimations = () => Math.max(...[ofBrowser, ofStyles, ofLottie, ofSvg].map(attempt));

  // Seconds, and what told them: "clips", "timelines", "animations", or "" where nothing does.
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
