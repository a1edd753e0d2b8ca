// What scripts see of the animations that the page's clock runs (animations.js): their state, times, promises and events
// are those of animations that run in the browser. The page runtime sees none: it would seek them itself, and would count
// those that start late from frame 0. Runs in the page and in each of its iframes, after animations.js.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderAnimationApi")) return;
  Object.defineProperty(window, "__hyperframesRenderAnimationApi", { value: true });
  const { Animation, DocumentTimeline, Element, Proxy, Reflect } = window;
  const clock = window.__hyperframesRenderClock;
  const { browser, isOnClock, isRunning, sync, resume, stop, decide, runFrom, startOf } =
    window.__hyperframesRenderAnimations.control;
  const prototype = Animation.prototype;
  const { animate } = Element.prototype;
  const { getComputedStyle } = window;
  const timelines = Object.getPrototypeOf(DocumentTimeline.prototype);
  /** @type {(this: AnimationTimeline) => any} */
  const timelineTime = /** @type {any} */ (Object.getOwnPropertyDescriptor(timelines, "currentTime")?.get);
  const getPending = Object.getOwnPropertyDescriptor(prototype, "pending")?.get;

  /** @type {(name: string, value: (this: Animation, value?: any) => void) => void} */
  const method = (name, value) => {
    Object.defineProperty(prototype, name, { configurable: true, writable: true, enumerable: true, value });
  };
  /** @type {(name: string, get: (this: Animation) => unknown, set?: (this: Animation, value: any) => void) => void} */
  const accessor = (name, get, set) => {
    Object.defineProperty(prototype, name, { configurable: true, enumerable: true, get, set });
  };

  // Calls the browser with the animation at its time of the clock, then lets the clock run it.
  /** @type {(animation: Animation, act: (animation: Animation) => void) => void} */
  function call(animation, act) {
    if (!isOnClock(animation)) return act(animation);
    sync(animation);
    decide(animation);
    act(animation);
    stop(animation);
    resume(animation);
  }

  // The browser's own reverse takes effect at its next frame only.
  /** @param {Animation} animation */
  function reverse(animation) {
    browser.setRate(animation, -browser.rate(animation));
    browser.play(animation);
  }

  method("play", function () {
    call(this, browser.play);
  });
  method("finish", function () {
    call(this, browser.finish);
  });
  method("cancel", function () {
    call(this, browser.cancel);
  });
  method("reverse", function () {
    call(this, reverse);
  });
  method("pause", function () {
    sync(this);
    decide(this);
    stop(this);
    browser.pause(this);
  });
  method("updatePlaybackRate", function (rate) {
    this.playbackRate = rate;
  });

  // Sets a time or rate of an animation, which goes on from there.
  /** @type {(animation: Animation, act: () => void) => void} */
  function change(animation, act) {
    const runs = isRunning(animation);
    act();
    if (runs) runFrom(animation, clock.now(), browser.time(animation));
    else resume(animation);
  }

  accessor(
    "playbackRate",
    function () {
      return browser.rate(this);
    },
    function (rate) {
      sync(this);
      change(this, () => browser.setRate(this, rate));
    },
  );
  accessor(
    "currentTime",
    function () {
      sync(this);
      return browser.currentTime(this);
    },
    function (ms) {
      change(this, () => browser.setTime(this, ms));
    },
  );
  accessor(
    "startTime",
    function () {
      const start = browser.startTime(this);
      if (isRunning(this)) return startOf(this);
      return start === null || !isOnClock(this) || !this.timeline
        ? start
        : Number(start) - timelineTime.call(this.timeline) + clock.now();
    },
    function (ms) {
      const rate = browser.rate(this);
      if (!isOnClock(this) || ms === null || !Number.isFinite(Number(ms)) || !rate) {
        stop(this);
        browser.setStartTime(this, ms);
        return;
      }
      const local = (clock.now() - ms) * rate;
      browser.setTime(this, local);
      runFrom(this, clock.now(), local);
    },
  );
  accessor("playState", function () {
    return isRunning(this) ? "running" : browser.state(this);
  });
  accessor("pending", function () {
    return !isRunning(this) && getPending?.call(this);
  });

  /** @this {Element} @type {typeof animate} */
  Element.prototype.animate = function (keyframes, options) {
    const animation = animate.call(this, keyframes, options);
    resume(animation);
    return animation;
  };
  // The page runtime does not replace `animate` if this is set.
  Object.defineProperty(Element.prototype, "__hfOriginalAnimate", { value: animate });

  Object.defineProperty(timelines, "currentTime", {
    configurable: true,
    enumerable: true,
    /** @this {AnimationTimeline} */
    get() {
      return this instanceof DocumentTimeline ? clock.now() : timelineTime.call(this);
    },
  });

  const isRuntime = () => clock.caller(1).includes(clock.OUR_FILES);
  for (const owner of [window.Document, window.ShadowRoot, Element]) {
    const target = /** @type {any} */ (owner.prototype);
    const { getAnimations } = target;
    /** @this {object} @param {unknown[]} options */
    target.getAnimations = function (...options) {
      return isRuntime() ? [] : getAnimations.apply(this, options);
    };
  }
  /** @param {Parameters<typeof getComputedStyle>} values */
  window.getComputedStyle = function (...values) {
    const style = getComputedStyle.apply(window, values);
    const { animationName } = style;
    if (animationName === "none" || animationName === "" || !isRuntime()) return style;
    return new Proxy(style, {
      get(whole, name) {
        if (name === "animationName") return "none";
        const value = Reflect.get(whole, name);
        return typeof value === "function" ? value.bind(whole) : value;
      },
    });
  };
})();
