// Puts the browser's animations on the page's clock: CSS animations, CSS transitions and Web Animations, in the page, in
// shadow trees and in iframes of the page's origin. Each is paused in the browser, and its time is set at every frame. What
// starts before the video begins counts from frame 0, a CSS animation from the start of its clip. What starts later counts
// from the frame that started it. Animations with a scroll or view timeline are left to the browser. animation-api.js lets
// scripts see animations that run. Runs in the page and in each of its iframes.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderAnimations")) return;
  const { document, Animation, CSSAnimation, DocumentTimeline, MutationObserver, ShadowRoot, WeakMap, WeakSet, Set } =
    window;
  const { getComputedStyle } = window;
  const clock = window.__hyperframesRenderClock;
  // Milliseconds that the browser runs an animation at most before it is found: its frame clock hardly moves.
  const DRIFT = 5;
  const EPSILON = 1e-6; // milliseconds

  // The browser's own functions, before animation-api.js replaces them.
  const prototype = /** @type {any} */ (Animation.prototype);
  /** @type {(name: string) => (this: Animation) => any} */
  const getter = (name) => /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, name)?.get);
  /** @type {(name: string) => (this: Animation, value: any) => void} */
  const setter = (name) => /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, name)?.set);
  const { play, pause, finish, cancel } = Animation.prototype;
  const [getState, getTime, getRate, getStart] = ["playState", "currentTime", "playbackRate", "startTime"].map(getter);
  const [setCurrentTime, setRate, setStartTime] = ["currentTime", "playbackRate", "startTime"].map(setter);
  /** @type {BrowserAnimations} */
  const browser = {
    play: (animation) => play.call(animation),
    pause: (animation) => pause.call(animation),
    finish: (animation) => finish.call(animation),
    cancel: (animation) => cancel.call(animation),
    state: (animation) => getState?.call(animation),
    time: (animation) => Number(getTime?.call(animation) ?? 0),
    currentTime: (animation) => getTime?.call(animation) ?? null,
    setTime: (animation, ms) => setCurrentTime?.call(animation, ms),
    rate: (animation) => Number(getRate?.call(animation)),
    setRate: (animation, rate) => setRate?.call(animation, rate),
    startTime: (animation) => getStart?.call(animation) ?? null,
    setStartTime: (animation, ms) => setStartTime?.call(animation, ms),
  };
  const listDocument = document.getAnimations;
  const listShadow = ShadowRoot.prototype.getAnimations;
  const { attachShadow } = Element.prototype;

  /** @param {Animation} animation */
  const endOf = (animation) => Number(animation.effect?.getComputedTiming().endTime ?? 0);
  /** @param {Animation} animation */
  const targetOf = (animation) => /** @type {KeyframeEffect | null} */ (animation.effect)?.target ?? null;
  /** @param {Animation} animation */
  const isOnClock = (animation) => animation.timeline instanceof DocumentTimeline;

  // The animations that the page's clock runs: since when (milliseconds of the clock), and their own time at that moment.
  /** @type {WeakMap<Animation, { since: number, base: number, paused: boolean }>} */
  const runs = new WeakMap();
  /** @type {Set<Animation>} */
  const running = new Set(); // the browser forgets an animation without other references
  let hasEvents = false; // the browser sends events at its next frame

  /** @type {(animation: Animation, ms: number) => number} */
  function localTime(animation, ms) {
    const { since, base } = runs.get(animation) ?? { since: ms, base: browser.time(animation) };
    return base + Math.max(0, ms - since) * browser.rate(animation);
  }

  // The local time within the bounds of the animation.
  /** @type {(animation: Animation, ms: number) => number} */
  function shownTime(animation, ms) {
    const local = localTime(animation, ms);
    return browser.rate(animation) < 0 ? Math.max(0, local) : Math.min(endOf(animation), local);
  }

  /** @type {(animation: Animation, since: number, base: number) => void} */
  function run(animation, since, base) {
    browser.pause(animation);
    runs.set(animation, { since, base, paused: false });
    running.add(animation);
  }

  /** @param {Animation} animation */
  function stop(animation) {
    runs.delete(animation);
    running.delete(animation);
  }

  // Sets the browser's time of an animation to the clock's, for a call that depends on it.
  /** @param {Animation} animation */
  function sync(animation) {
    if (runs.has(animation)) browser.setTime(animation, shownTime(animation, clock.now()));
  }

  // After a call: the clock runs the animation if the browser would run it.
  /** @param {Animation} animation */
  function resume(animation) {
    stop(animation);
    if (browser.state(animation) !== "running" || !isOnClock(animation)) return;
    browser.pause(animation);
    run(animation, clock.now(), browser.time(animation));
  }

  /** @type {Set<Document | ShadowRoot>} */
  const roots = new Set();
  /** @type {(root: Document | ShadowRoot) => Animation[]} */
  const listIn = (root) => (root instanceof ShadowRoot ? listShadow : listDocument).call(/** @type {any} */ (root));
  const listHere = () => [...roots].flatMap(listIn);
  /** @this {Element} @param {[init: ShadowRootInit]} values */
  Element.prototype.attachShadow = function (...values) {
    const root = attachShadow.apply(this, values);
    addRoot(root);
    return root;
  };
  // The parser attaches the shadow roots that markup declares, also later: setHTMLUnsafe and clones of a template.
  const added = new MutationObserver((records) => {
    for (const { addedNodes } of records) for (const node of addedNodes) if (node instanceof Element) addRootsIn(node);
  });
  /** @param {Element | Document | ShadowRoot} top */
  function addRootsIn(top) {
    const elements = top instanceof Element ? [top, ...top.querySelectorAll("*")] : top.querySelectorAll("*");
    for (const { shadowRoot } of elements) if (shadowRoot && !roots.has(shadowRoot)) addRoot(shadowRoot);
  }
  /** @param {Document | ShadowRoot} root */
  function addRoot(root) {
    roots.add(root);
    added.observe(root, { childList: true, subtree: true });
    addRootsIn(root);
  }
  addRoot(document);

  // Finds what styles started since the last call, and what the browser started at its last frame.
  /** @param {number} ms */
  function adopt(ms) {
    for (const animation of listHere()) {
      if (runs.has(animation) || browser.state(animation) !== "running" || !isOnClock(animation)) continue;
      browser.pause(animation);
      run(animation, ms, withoutDrift(animation));
      hasEvents = true;
    }
    for (const frame of inner()) frame.adopt(ms);
  }

  /** @param {Animation} animation */
  function withoutDrift(animation) {
    const time = browser.time(animation);
    if (Math.abs(time) < DRIFT) return 0;
    const end = endOf(animation);
    return browser.rate(animation) < 0 && Math.abs(time - end) < DRIFT ? end : time;
  }

  // A style may pause an animation that runs (animation-play-state), unless a script has called play or pause.
  /** @type {WeakSet<Animation>} */
  const decided = new WeakSet();
  /** @type {boolean | null} */
  let mayPause = null; // whether a style or script mentions it
  function stylesMayPause() {
    mayPause ??=
      document.querySelector('link[rel~="stylesheet" i]') !== null ||
      [...document.querySelectorAll("style, script, [style*='animation']")].some((element) =>
        /play-?state|paused/i.test(element.textContent + (element.getAttribute("style") ?? "")),
      );
    return mayPause;
  }

  /** @param {Animation} animation */
  function isPausedByStyle(animation) {
    if (!(animation instanceof CSSAnimation) || decided.has(animation) || !stylesMayPause()) return false;
    const effect = /** @type {KeyframeEffect | null} */ (animation.effect);
    if (!effect?.target) return false;
    const style = getComputedStyle.call(window, effect.target, effect.pseudoElement);
    const states = style.animationPlayState.split(",");
    const place = style.animationName.split(",").findIndex((name) => name.trim() === animation.animationName);
    return place >= 0 && states[place % states.length]?.trim() === "paused";
  }

  // Moves all animations to `ms`. Those that are over by then end.
  /** @param {number} ms */
  function advance(ms) {
    for (const animation of [...running]) moveTo(animation, ms);
    for (const frame of inner()) frame.advance(ms);
  }

  /** @type {(animation: Animation, ms: number) => void} */
  function moveTo(animation, ms) {
    const state = runs.get(animation);
    if (!state || browser.state(animation) === "idle" || !animation.effect) return stop(animation);
    const paused = isPausedByStyle(animation);
    if (paused && !state.paused) state.base = shownTime(animation, ms);
    if (paused || state.paused) state.since = ms;
    state.paused = paused;
    const local = localTime(animation, ms);
    const rate = browser.rate(animation);
    const isOver = rate > 0 ? local >= endOf(animation) - EPSILON : rate < 0 && local <= EPSILON;
    if (!isOver) return browser.setTime(animation, local);
    stop(animation);
    browser.finish(animation);
    hasEvents = true;
  }

  // Starts the video. `startOf` returns the start of the clip that contains an element, in seconds.
  /** @type {RenderAnimations["begin"]} */
  function begin(startOf) {
    for (const root of [...roots]) addRootsIn(root);
    adopt(0);
    for (const animation of running) {
      const [state, target] = [runs.get(animation), targetOf(animation)];
      if (state && target && animation instanceof CSSAnimation) state.since = startOf(inPage(target)) * 1000;
    }
    for (const frame of inner()) {
      const element = frame.element();
      if (element) frame.begin(() => startOf(inPage(element)));
    }
  }

  /** @type {RenderAnimations["inPage"]} */
  function inPage(element) {
    let found = element;
    for (let root = found.getRootNode(); root instanceof ShadowRoot; root = found.getRootNode()) found = root.host;
    return found;
  }

  // The time at which the next animation begins, after its delay, or ends: milliseconds of the video.
  function nextEvent() {
    let first = Infinity;
    for (const animation of running) {
      const [state, rate] = [runs.get(animation), browser.rate(animation)];
      if (!state || !rate || !animation.effect) continue;
      const { delay = 0, endTime } = animation.effect.getComputedTiming();
      const next = browser.time(animation) < delay - EPSILON ? delay : Number(endTime);
      first = Math.min(first, state.since + ((rate > 0 ? next : 0) - state.base) / rate);
    }
    for (const frame of inner()) first = Math.min(first, frame.nextEvent());
    return first;
  }

  // Whether the browser has events to send since the last call.
  function takeEvents() {
    let found = hasEvents;
    hasEvents = false;
    for (const frame of inner()) found = frame.takeEvents() || found;
    return found;
  }

  const inner = () => clock.inner("__hyperframesRenderAnimations");
  /** @returns {Element | null} */
  function element() {
    try {
      return window.frameElement;
    } catch {
      return null; // the parent is of another origin
    }
  }

  // SVG animations count from the start of the video.
  const inSvg = ["animate", "animateMotion", "animateTransform", "set"].map((name) =>
    document.getElementsByTagName(name),
  );
  /** @param {number} seconds */
  function seekSvg(seconds) {
    /** @type {Set<SVGSVGElement>} */
    const images = new Set();
    for (const elements of inSvg) {
      for (const found of elements) {
        const { ownerSVGElement } = /** @type {SVGElement} */ (found);
        for (let svg = ownerSVGElement; svg; svg = svg.ownerSVGElement) images.add(svg);
      }
    }
    for (const svg of images) {
      svg.pauseAnimations();
      svg.setCurrentTime(seconds);
    }
  }

  const list = () => [...listHere(), ...inner().flatMap((frame) => frame.list())];
  /** @type {AnimationControl} */
  const control = {
    browser,
    isOnClock,
    isRunning: (animation) => runs.has(animation),
    sync,
    resume,
    stop: (animation) => {
      stop(animation);
      hasEvents = true;
    },
    decide: (animation) => decided.add(animation),
    runFrom: run,
    startOf: (animation) => {
      const state = runs.get(animation);
      return state && browser.rate(animation) ? state.since - state.base / browser.rate(animation) : null;
    },
  };

  Object.defineProperty(window, "__hyperframesRenderAnimations", {
    value: Object.freeze({ adopt, advance, begin, nextEvent, takeEvents, seekSvg, list, element, inPage, control }),
  });
})();
