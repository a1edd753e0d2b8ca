// The page's clock. Runs before any script of the page, in the page and in each of its iframes. Time stands still until
// the renderer moves it. Date, performance.now and requestAnimationFrame follow the frame that is drawn, and so do random
// numbers: a frame depends only on its number.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderClock")) return;
  const RealDate = Date;
  let nowMs = 0;
  let nextId = 1;
  /** @type {Map<number, FrameRequestCallback>} */
  let queue = new Map();
  let due = queue; // the requests that moveTo runs now
  const { Error, WeakSet } = window;
  const OUR_FILES = "/__hyperframes_render__/"; // path prefix of the renderer's files, among them the page runtime

  /** @this {unknown} @param {unknown[]} args */
  function FrameDate(...args) {
    if (!new.target) return new RealDate(nowMs).toString();
    return Reflect.construct(RealDate, args.length ? args : [nowMs], new.target);
  }
  FrameDate.prototype = RealDate.prototype;
  Object.defineProperty(RealDate.prototype, "constructor", { value: FrameDate, writable: true, configurable: true });
  Object.setPrototypeOf(FrameDate, RealDate);
  FrameDate.now = () => nowMs;
  window.Date = /** @type {DateConstructor} */ (/** @type {unknown} */ (FrameDate));

  const realNow = window.performance.now.bind(window.performance);
  Object.defineProperty(window.performance, "now", { configurable: true, writable: true, value: () => nowMs });
  window.requestAnimationFrame = (callback) => {
    if (typeof callback !== "function") throw new TypeError("requestAnimationFrame needs a function");
    queue.set(nextId, callback);
    if (!ofGsap.has(callback) && !withoutState(caller())) stateful.add(nextId);
    return nextId++;
  };
  window.cancelAnimationFrame = (id) => {
    queue.delete(id);
    due.delete(id);
    stateful.delete(id);
  };

  // A script that draws in animation frames may keep state from one frame to the next. A browser that renders a later
  // segment must then run all frames before it. These libraries draw by the time only, so their requests do not count.
  const WITHOUT_STATE = /\/(?:gsap|anime|lottie|dotlottie|d3)\b[^/\s]*\.m?js\b|\/(?:gsap|animejs|lottie-web|d3)@/i;
  /** @type {(line: string) => boolean} */
  const withoutState = (line) => line.includes(OUR_FILES) || WITHOUT_STATE.test(line);
  // The line of the stack with the caller of the function that asks. `more`: the number of functions in between.
  const caller = (more = 0) => String(new Error().stack).split("\n", 4 + more)[3 + more] ?? "";
  /** @type {WeakSet<FrameRequestCallback>} */
  const ofGsap = new WeakSet(); // callbacks of GSAP, from any address
  /** @type {Set<number>} */
  const stateful = new Set(); // requests of scripts that may keep state

  // Runs one request. A callback that moves the ticker of GSAP is GSAP's.
  /** @type {(id: number, callback: FrameRequestCallback, ms: number) => void} */
  function callBack(id, callback, ms) {
    stateful.delete(id);
    const ticked = window.gsap?.ticker?.frame;
    callback(ms);
    if (ticked === window.gsap?.ticker?.frame) return;
    ofGsap.add(callback);
    for (const [request, requested] of queue) if (requested === callback) stateful.delete(request);
  }

  // The first listener of GSAP's ticker is GSAP itself.
  const hasTickerListeners = () => (window.gsap?.ticker?._listeners?.length ?? 0) > 1;
  const hasRequests = () => queue.size > 0 || innerClocks().some((clock) => clock.hasRequests());
  const keepsState = () =>
    stateful.size > 0 || hasTickerListeners() || observing || innerClocks().some((clock) => clock.keepsState());

  // What an observer reports depends on the frames before.
  let observing = false;
  /** @type {("IntersectionObserver" | "ResizeObserver")[]} */
  const observers = ["IntersectionObserver", "ResizeObserver"];
  for (const name of observers) {
    const prototype = /** @type {any} */ (window)[name]?.prototype;
    if (!prototype) continue;
    const { observe } = prototype;
    /** @this {object} @param {unknown[]} values */
    prototype.observe = function (...values) {
      observing ||= !caller().includes(OUR_FILES);
      return observe.apply(this, values);
    };
  }
  const observes = () => observing || innerClocks().some((clock) => clock.observes());

  // Random numbers are the same in every render: each frame seeds the generator (mulberry32) with its time.
  let state = 1;
  function random() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }
  Math.random = random;
  const crypto = window.crypto;
  if (crypto) {
    crypto.getRandomValues = (array) => {
      const { buffer, byteOffset, byteLength } = /** @type {ArrayBufferView} */ (array);
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256;
      return array;
    };
    crypto.randomUUID = () => {
      const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16));
      digits[12] = 4;
      digits[16] = 8 + (digits[16] % 4);
      const text = digits.map((d, i) => ([8, 12, 16, 20].includes(i) ? "-" : "") + d.toString(16)).join("");
      return /** @type {ReturnType<Crypto["randomUUID"]>} */ (text);
    };
  }

  const report = window.reportError.bind(window);
  // The renderer's objects of this name in the iframes of this window.
  /** @type {RenderClock["inner"]} */
  function inner(name) {
    /** @type {Window[typeof name][]} */
    const found = [];
    for (let i = 0; i < window.frames.length; i++) {
      try {
        const object = window.frames[i]?.[name];
        if (object) found.push(object);
      } catch {} // an iframe of another origin
    }
    return found;
  }
  const innerClocks = () => inner("__hyperframesRenderClock");

  // Sets the time that callbacks of timelines and timers read.
  /** @param {number} ms */
  function setTime(ms) {
    nowMs = ms;
    state = Math.round(ms * 1000) + 1;
    for (const clock of innerClocks()) clock.setTime(ms);
  }

  /** @param {number} ms */
  function moveTo(ms) {
    setTime(ms);
    due = queue;
    queue = new Map();
    for (const [id, callback] of due) {
      try {
        callBack(id, callback, ms);
      } catch (error) {
        report(error);
      }
    }
    for (const clock of innerClocks()) clock.moveTo(ms);
  }
  Object.defineProperty(window, "__hyperframesRenderClock", {
    value: Object.freeze({
      moveTo,
      setTime,
      now: () => nowMs,
      keepsState,
      observes,
      hasRequests,
      realNow,
      inner,
      caller,
      OUR_FILES,
    }),
  });
})();
