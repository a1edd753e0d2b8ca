// Runs before any script of the page, in every frame of it: time stands still until the renderer moves it.
// Date, performance.now and requestAnimationFrame follow the frame that is being drawn, so that what a page
// draws depends on the frame number alone. Random numbers too. Timers stay real: pages use them to wait for their own loading.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderClock")) return;
  const RealDate = Date;
  let nowMs = 0;
  let nextId = 1;
  let queue = new Map();
  let due = queue; // those of the flush that runs

  function FrameDate(...args) {
    if (!new.target) return new RealDate(nowMs).toString();
    return Reflect.construct(RealDate, args.length ? args : [nowMs], new.target);
  }
  FrameDate.prototype = RealDate.prototype;
  Object.defineProperty(RealDate.prototype, "constructor", { value: FrameDate, writable: true, configurable: true });
  Object.setPrototypeOf(FrameDate, RealDate);
  FrameDate.now = () => nowMs;
  window.Date = FrameDate;

  Object.defineProperty(window.performance, "now", { configurable: true, writable: true, value: () => nowMs });
  window.requestAnimationFrame = (callback) => {
    if (typeof callback !== "function") throw new TypeError("requestAnimationFrame needs a function");
    queue.set(nextId, callback);
    return nextId++;
  };
  window.cancelAnimationFrame = (id) => {
    queue.delete(id);
    due.delete(id);
  };

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
  function moveTo(ms) {
    nowMs = ms;
    state = Math.round(ms * 1000) + 1;
    due = queue;
    queue = new Map();
    for (const callback of due.values()) {
      try { callback(ms); } catch (error) { report(error); }
    }
    for (let i = 0; i < window.frames.length; i++) {
      try { window.frames[i].__hyperframesRenderClock?.moveTo(ms); } catch { /* a frame of another origin */ }
    }
  }
  Object.defineProperty(window, "__hyperframesRenderClock", { value: Object.freeze({ moveTo }) });
})();
