// What registered timelines tween, and when: for the estimate of what moves, and for jumps.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderTweens")) return;
  const MOST_STOPS = 20_000; // of one jump: each costs the page less than a millisecond
  const EPSILON = 1e-6; // seconds

  // Every tween of a registered timeline with its stretch of the video, in seconds; null where a timeline is not GSAP's.
  function everyTween() {
    const timing = window.__hyperframesRenderTiming;
    const found = new Map();
    for (const [name, timeline] of Object.entries(window.__timelines ?? {})) {
      if (typeof timeline?.getChildren !== "function") return null;
      const clock = timing.clockOfId(name);
      for (const tween of timeline.getChildren(true, true, false)) {
        let start = tween.startTime();
        let updates = Boolean(tween.vars?.onUpdate || timeline.vars?.onUpdate);
        for (let p = tween.parent; p && p !== timeline; p = p.parent) {
          start = p.startTime() + start / (p.timeScale() || 1);
          updates ||= Boolean(p.vars?.onUpdate);
        }
        const ends = [start, start + tween.totalDuration() / (tween.timeScale() || 1)];
        const [from, to] = ends.map((time) => clock.start + (time - clock.from) / clock.rate);
        // A sub-composition's timeline is registered, and is among the children of the one it stands in: its tweens
        // come twice, and the order in which timelines were registered must not tell.
        const twin = found.get(tween);
        found.set(tween, {
          targets: tween.targets(),
          timeline: tween.parent,
          from: Math.min(Math.max(clock.start, from), twin?.from ?? Infinity),
          to: Math.max(Math.min(clock.end, to), twin?.to ?? -Infinity),
          updates,
          calls: [
            ...(twin?.calls ?? []),
            ...(tween.vars?.onStart ? [from] : []),
            ...(tween.vars?.onComplete ? [to] : []),
          ],
          sets: [...(twin?.sets ?? []), ...(ends[0] === ends[1] ? [from] : [])],
        });
      }
    }
    return [...found.values()];
  }

  // Stretches, [from, to], in which some tween runs; null where that cannot be told. Those of elements alone, or of
  // anything: a script may draw what a tween of its own object says.
  function movingSpans(elementsOnly) {
    const tweens = everyTween();
    if (tweens === null) return null;
    const seen = (tween) => tween.targets.some((target) => target instanceof Element && target.isConnected);
    const spans = (elementsOnly ? tweens.filter(seen) : tweens).map((tween) => [tween.from, tween.to]);
    const merged = [];
    for (const [from, to] of spans.filter((span) => span[1] > span[0]).sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1);
      if (last && from <= last[1]) last[1] = Math.max(last[1], to);
      else merged.push([from, to]);
    }
    return merged.every((span) => span.every(Number.isFinite)) && spans.length ? merged : null;
  }

  // Cheap, and on the safe side: whether a style in the page names a transition.
  const mayTransition = () =>
    document.querySelector('link[rel~="stylesheet" i], [style*="transition"]') !== null ||
    [...document.querySelectorAll("style")].some((style) => style.textContent.includes("transition"));

  // Seconds that transitions of an element last.
  function transitionOf(element) {
    if (!(element instanceof Element)) return 0;
    const { transitionDuration, transitionDelay } = getComputedStyle(element);
    const longest = (times) => Math.max(...times.split(",").map((time) => Number.parseFloat(time) || 0));
    return longest(transitionDuration) && longest(transitionDuration) + Math.max(0, longest(transitionDelay));
  }

  // A tween begins from the value that it finds when it is first drawn. Where another tween moves the same target then,
  // that depends on the moment: a jump must stop there, as a video that is drawn frame by frame does. It must stop where
  // one of the two ends, too: beyond both, the one that ended last has the say. So must it where callbacks are called, of
  // updates at every frame: they may count, and look at what else is there. And where a set may start a CSS transition, and
  // at every frame in which a tween moves what has transitions: each sets off another one.
  // The times of the frames between `from` and `to`, in order.
  function stops(from, to, fps) {
    let all = [];
    try {
      all = everyTween() ?? [];
    } catch {} // a timeline of another kind, which only looks like GSAP's
    const byTarget = new Map();
    for (const tween of all) {
      for (const target of tween.targets) {
        if (byTarget.has(target)) byTarget.get(target).push(tween);
        else byTarget.set(target, [tween]);
      }
    }
    const frames = new Set();
    const stopAt = (time) => {
      const frame = Math.ceil((time - EPSILON) * fps);
      if (frame / fps > from + EPSILON && frame / fps < to - EPSILON) frames.add(frame);
    };
    const stopThroughout = (tween) => {
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
          // What has come to rest by then is there in one step.
          if (tween.to + length < to) stopAt(tween.to);
          else stopThroughout(tween);
        }
      }
    }
    for (const tweens of byTarget.values()) {
      if (tweens.length < 2) continue;
      let busyUntil = -Infinity;
      let before = null;
      for (const tween of tweens.sort((a, b) => a.from - b.from)) {
        const contested = tween.from < busyUntil - EPSILON;
        // Timelines are drawn one after the other, whichever of their tweens comes first: the first must have ended.
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

  Object.defineProperty(window, "__hyperframesRenderTweens", { value: Object.freeze({ movingSpans, stops }) });
})();
