// Runs before any script of the page, in every frame of it: time stands still until the renderer moves it.
// Date, performance.now and requestAnimationFrame follow the frame that is being drawn, so that what a page
// draws depends on the frame number alone. Timers stay real: pages use them to wait for their own loading.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderClock")) return;
  const RealDate = Date;
  let nowMs = 0;
  let nextId = 1;
  let queue = new Map();

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
  window.cancelAnimationFrame = (id) => void queue.delete(id);

  const report = window.reportError.bind(window);
  function moveTo(ms) {
    nowMs = ms;
    const due = queue;
    queue = new Map();
    for (const [id, callback] of due) {
      if (!due.has(id)) continue;
      try { callback(ms); } catch (error) { report(error); }
    }
    for (let i = 0; i < window.frames.length; i++) {
      try { window.frames[i].__hyperframesRenderClock?.moveTo(ms); } catch { /* a frame of another origin */ }
    }
  }
  Object.defineProperty(window, "__hyperframesRenderClock", { value: Object.freeze({ moveTo }) });
})();
