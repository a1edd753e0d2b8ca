// Runs before any script of the page, in every frame of it: time stands still until the renderer moves it.
// Date, performance.now and requestAnimationFrame follow the frame that is being drawn, so that what a page
// draws depends on the frame number alone. Random numbers too.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderClock")) return;
  const RealDate = Date;
  let nowMs = 0;
  let nextId = 1;
  let queue = new Map();
  let due = queue; // those of the flush that runs
  const { Error, WeakSet } = window;
  const OUR_FILES = "/__hyperframes_render__/"; // in the addresses of the renderer's files: the page runtime is one

  function FrameDate(...args) {
    if (!new.target) return new RealDate(nowMs).toString();
    return Reflect.construct(RealDate, args.length ? args : [nowMs], new.target);
  }
  FrameDate.prototype = RealDate.prototype;
  Object.defineProperty(RealDate.prototype, "constructor", { value: FrameDate, writable: true, configurable: true });
  Object.setPrototypeOf(FrameDate, RealDate);
  FrameDate.now = () => nowMs;
  window.Date = FrameDate;

  const realNow = window.performance.now.bind(window.performance);
  Object.defineProperty(window.performance, "now", { configurable: true, writable: true, value: () => nowMs });
  window.requestAnimationFrame = (callback) => {
    if (typeof callback !== "function") throw new TypeError("requestAnimationFrame needs a function");
    queue.set(nextId, callback);
    if (!ofGsap.has(callback) && !withoutState(caller())) remembering.add(nextId);
    return nextId++;
  };
  window.cancelAnimationFrame = (id) => {
    queue.delete(id);
    due.delete(id);
    remembering.delete(id);
  };

  // A loop of animation frames may count, move and pile up from one to the next: a browser that comes to the video later
  // must go through them all. What these libraries draw is a function of the time alone.
  const WITHOUT_STATE = /\/(?:gsap|anime|lottie|dotlottie|d3)\b[^/\s]*\.m?js\b|\/(?:gsap|animejs|lottie-web|d3)@/i;
  const withoutState = (line) => line.includes(OUR_FILES) || WITHOUT_STATE.test(line);
  // The line of the stack that says who called a function which asks for this.
  // `more`: how many of our own functions stand between.
  const caller = (more = 0) => String(new Error().stack).split("\n", 4 + more)[3 + more] ?? "";
  const ofGsap = new WeakSet(); // its callbacks, wherever it comes from
  const remembering = new Set(); // the requests of others

  function callBack(id, callback, ms) {
    remembering.delete(id);
    const ticked = window.gsap?.ticker?.frame;
    callback(ms);
    if (ticked === window.gsap?.ticker?.frame) return;
    ofGsap.add(callback);
    for (const [request, requested] of queue) if (requested === callback) remembering.delete(request);
  }

  // GSAP's own is the first of its listeners.
  const ticks = () => (window.gsap?.ticker?._listeners?.length ?? 0) > 1;
  const waits = () => queue.size > 0 || innerClocks().some((clock) => clock.waits());
  const remembers = () => remembering.size > 0 || ticks() || innerClocks().some((clock) => clock.remembers());

  // Chance is the same in every render: it begins anew with each frame, from the frame's time.
  let state = 1;
  function chance() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }
  Math.random = chance;
  const crypto = window.crypto;
  if (crypto) {
    crypto.getRandomValues = (array) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length; i++) bytes[i] = chance() * 256;
      return array;
    };
    crypto.randomUUID = () => {
      const digits = Array.from({ length: 32 }, () => Math.floor(chance() * 16));
      digits[12] = 4;
      digits[16] = 8 + (digits[16] % 4);
      return digits.map((d, i) => ([8, 12, 16, 20].includes(i) ? "-" : "") + d.toString(16)).join("");
    };
  }

  const report = window.reportError.bind(window);
  // Our objects of this name in the frames of this window.
  function inner(name) {
    const found = [];
    for (let i = 0; i < window.frames.length; i++) {
      try {
        if (window.frames[i][name]) found.push(window.frames[i][name]);
      } catch {} // a frame of another origin
    }
    return found;
  }
  const innerClocks = () => inner("__hyperframesRenderClock");

  // What callbacks of a timeline see, and timers.
  function stand(ms) {
    nowMs = ms;
    state = Math.round(ms * 1000) + 1;
  }

  function moveTo(ms) {
    stand(ms);
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
    value: Object.freeze({ moveTo, stand, remembers, waits, realNow, inner, caller, OUR_FILES }),
  });
})();
