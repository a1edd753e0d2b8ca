// The tweens of the registered timelines, in seconds of the video. They say when elements move, and at which frames a jump
// must stop.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderTweens")) return;
  const MOST_STOPS = 20_000; // of one jump; each costs less than a millisecond
  const report = window.reportError.bind(window);
  const EPSILON = 1e-6; // seconds

  // Every tween of the registered timelines; null if a timeline is not GSAP's.
  /** @returns {TweenSpan[] | null} */
  function everyTween() {
    const timing = window.__hyperframesRenderTiming;
    /** @type {Map<GsapTween, TweenSpan>} */
    const found = new Map();
    for (const [name, timeline] of Object.entries(window.__timelines ?? {})) {
      if (typeof timeline?.getChildren !== "function") return null;
      const clock = timing.clockOfId(name);
      for (const tween of timeline.getChildren(true, true, false)) {
        let start = tween.startTime();
        let updates = Boolean(tween.vars?.onUpdate || timeline.vars?.onUpdate);
        for (let p = /** @type {GsapAnimation | null} */ (tween.parent); p && p !== timeline; p = p.parent) {
          start = p.startTime() + start / (p.timeScale() || 1);
          updates ||= Boolean(p.vars?.onUpdate);
        }
        const end = start + tween.totalDuration() / (tween.timeScale() || 1);
        const toVideo = (/** @type {number} */ time) => clock.start + (time - clock.from) / clock.rate;
        const [from, to] = [toVideo(start), toVideo(end)];
        // The timeline of a sub-composition is registered and may be a child of the outer one too. Its tweens are then
        // found twice, and the order of registration must not matter.
        const other = found.get(tween);
        found.set(tween, {
          targets: tween.targets(),
          timeline: tween.parent,
          from: Math.min(Math.max(clock.start, from), other?.from ?? Infinity),
          to: Math.max(Math.min(clock.end, to), other?.to ?? -Infinity),
          updates,
          calls: [
            ...(other?.calls ?? []),
            ...(tween.vars?.onStart ? [from] : []),
            ...(tween.vars?.onComplete ? [to] : []),
          ],
          sets: [...(other?.sets ?? []), ...(start === end ? [from] : [])],
        });
      }
    }
    return [...found.values()];
  }

  // Merged [start, end] spans in which a tween runs; null if unknown. `elementsOnly`: only tweens of elements in the page.
  // Otherwise all tweens, since a script may draw from a tweened object.
  /** @type {RenderTweens["movingSpans"]} */
  function movingSpans(elementsOnly) {
    const tweens = everyTween();
    if (tweens === null) return null;
    const ofElements = (/** @type {TweenSpan} */ tween) =>
      tween.targets.some((target) => target instanceof Element && target.isConnected);
    const spans = (elementsOnly ? tweens.filter(ofElements) : tweens).map(
      (tween) => /** @type {[number, number]} */ ([tween.from, tween.to]),
    );
    /** @type {Points} */
    const merged = [];
    for (const [from, to] of spans.filter((span) => span[1] > span[0]).sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1);
      if (last && from <= last[1]) last[1] = Math.max(last[1], to);
      else merged.push([from, to]);
    }
    return merged.every((span) => span.every(Number.isFinite)) && spans.length ? merged : null;
  }

  // The times at which tweens of elements end, in order. Copies of a tween that end within a hundredth count once.
  /** @type {RenderTweens["ends"]} */
  function ends() {
    const times = (everyTween() ?? [])
      .filter((tween) => tween.to > tween.from && Number.isFinite(tween.to))
      .map((tween) => Math.round(tween.to * 100) / 100);
    return [...new Set(times)].sort((a, b) => a - b);
  }

  // Whether a style in the page may contain a transition. A cheap test: it may be true without one.
  const mayTransition = () =>
    document.querySelector('link[rel~="stylesheet" i], [style*="transition"]') !== null ||
    [...document.querySelectorAll("style")].some((style) => style.textContent.includes("transition"));

  // The longest transition of an element, in seconds; 0 for any other target.
  /** @param {unknown} element */
  function transitionOf(element) {
    if (!(element instanceof Element)) return 0;
    const { transitionDuration, transitionDelay } = getComputedStyle(element);
    const longest = (/** @type {string} */ times) =>
      Math.max(...times.split(",").map((time) => Number.parseFloat(time) || 0));
    return longest(transitionDuration) && longest(transitionDuration) + Math.max(0, longest(transitionDelay));
  }

  // The times of the frames between `from` and `to` at which a jump must stop to show what frame-by-frame drawing shows.
  // These are, in order of time:
  // - the start of a tween whose target another tween moves at that time: it starts from the value at its first frame;
  // - the end of one of two such tweens: after both, the tween that ended last sets the value;
  // - the calls of onStart and onComplete, and all frames of tweens with onUpdate: they may keep state;
  // - tweens without a duration, if the page has CSS transitions: they may start one;
  // - all frames of a tween whose target has CSS transitions: each frame starts another one.
  /** @type {RenderTweens["stops"]} */
  function stops(from, to, fps) {
    /** @type {TweenSpan[]} */
    let all = [];
    try {
      all = everyTween() ?? [];
    } catch {} // a timeline of another kind that resembles GSAP's
    /** @type {Map<unknown, TweenSpan[]>} */
    const byTarget = new Map();
    for (const tween of all) {
      for (const target of tween.targets) {
        const others = byTarget.get(target);
        if (others) others.push(tween);
        else byTarget.set(target, [tween]);
      }
    }
    /** @type {Set<number>} */
    const frames = new Set();
    const stopAt = (/** @type {number} */ time) => {
      const frame = Math.ceil((time - EPSILON) * fps);
      if (frame / fps > from + EPSILON && frame / fps < to - EPSILON) frames.add(frame);
    };
    const stopThroughout = (/** @type {TweenSpan} */ tween) => {
      for (let frame = Math.ceil(Math.max(from, tween.from) * fps); frame <= Math.min(to, tween.to) * fps + 1; frame++)
        stopAt(frame / fps);
    };
    for (const tween of all) {
      if (tween.updates) stopThroughout(tween);
      for (const time of tween.calls) stopAt(time);
    }
    if (mayTransition()) {
      for (const time of all.flatMap((tween) => tween.sets)) stopAt(time);
      for (const [target, tweens] of byTarget) {
        const length = transitionOf(target);
        for (const tween of length ? tweens : []) {
          // One step is enough if the transition has ended by then.
          if (tween.to + length < to) stopAt(tween.to);
          else stopThroughout(tween);
        }
      }
    }
    for (const tweens of byTarget.values()) {
      if (tweens.length < 2) continue;
      let busyUntil = -Infinity;
      /** @type {TweenSpan | null} */
      let before = null;
      for (const tween of tweens.sort((a, b) => a.from - b.from)) {
        const contested = tween.from < busyUntil - EPSILON;
        // Timelines are drawn one after the other, whatever the order of their tweens: the first tween must have ended.
        if (contested || (before && before.timeline !== tween.timeline)) {
          stopAt(Math.min(tween.to, busyUntil));
          stopAt(tween.from);
        }
        before = tween;
        busyUntil = Math.max(busyUntil, tween.to);
      }
    }
    return [...frames]
      .sort((a, b) => a - b)
      .slice(-MOST_STOPS)
      .map((frame) => frame / fps);
  }

  const CALLBACKS = ["onStart", "onUpdate", "onComplete", "onRepeat", "onReverseComplete", "onInterrupt"];
  /** @type {WeakSet<object>} */
  const wrapped = new WeakSet();

  // Reports what callbacks of timelines throw: the page runtime catches it.
  function reportCallbackErrors() {
    for (const timeline of Object.values(window.__timelines ?? {})) {
      if (typeof timeline?.getChildren !== "function") continue;
      for (const { vars } of [timeline, ...timeline.getChildren(true, true, true)]) if (vars) reportErrors(vars);
    }
  }

  /** @param {Record<string, any>} vars */
  function reportErrors(vars) {
    for (const name of CALLBACKS) {
      const callback = vars[name];
      if (typeof callback !== "function" || wrapped.has(callback)) continue;
      /** @this {unknown} @param {unknown[]} values */
      const reporting = function (...values) {
        try {
          return callback.apply(this, values);
        } catch (error) {
          report(error);
          throw error;
        }
      };
      wrapped.add(reporting);
      vars[name] = reporting;
    }
  }

  Object.defineProperty(window, "__hyperframesRenderTweens", {
    value: Object.freeze({ movingSpans, ends, stops, reportCallbackErrors }),
  });
})();
