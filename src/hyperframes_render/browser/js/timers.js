// The page's timers. Runs before any script of the page, in the page and in each of its iframes. Timers follow the page's
// own time, in milliseconds. It is 0 when the page starts to load and stands still during loading. The renderer lets it
// pass when the page waits for a timer (passUntil), and with the frames of the video (runUntil). Timers of the page
// runtime are the browser's own.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderTimers")) return;
  const clock = window.__hyperframesRenderClock;
  const elements = window.__hyperframesRenderElements;
  const { setTimeout, clearTimeout, setInterval, eval: evaluate, MessageChannel } = window;
  const report = window.reportError.bind(window);
  const FIRST = 1_000_000_000; // first number of a timer here; the browser's own timers count from 1
  const YIELD_DELAY = 4; // milliseconds: a delay up to this, while the page loads, only yields to other tasks
  const SET_UP_DELAY = 500; // milliseconds: the longest delay of a timer that may register a timeline before the video
  const LONGEST = 0x7fffffff; // milliseconds; a longer delay counts as 0 (HTML, "timer initialization steps")

  /** @typedef {{ due: number, wait: number, repeats: boolean, run: () => void, setsUp: boolean }} Timer */

  /** @type {Map<number, Timer>} */
  const timers = new Map(); // by number
  let next = FIRST;
  let firing = false;
  let late = false; // the page delays a frame: its timers run in real time
  // Page time, and the page time at which the video began; null before that.
  let [now, videoStart] = timeOfParent();

  /** @returns {[number, number | null]} */
  function timeOfParent() {
    try {
      return window === window.top ? [0, null] : window.parent.__hyperframesRenderTimers.time();
    } catch {
      return [0, null]; // the parent is of another origin
    }
  }

  /** @type {(callback: unknown, delay: unknown, values: unknown[], repeats: boolean) => number} */
  function add(callback, delay, values, repeats) {
    let wait = Math.trunc(Number(delay));
    if (!(wait > 0 && wait <= LONGEST)) wait = 0;
    if (firing || repeats) wait = Math.max(1, wait); // a timer that always sets another one must not stop time
    const run =
      typeof callback === "function" ? () => callback.apply(window, values) : () => evaluate(String(callback));
    const setsUp = videoStart === null && !repeats && wait <= SET_UP_DELAY && String(callback).includes("__timelines");
    const timer = { due: now + wait, wait, repeats, run, setsUp };
    timers.set(next, timer);
    if (late || (videoStart === null && !repeats && wait <= YIELD_DELAY)) makeReal(next, timer);
    return next++;
  }

  // Runs a timer by the browser's clock.
  /** @type {(id: number, timer: Timer) => void} */
  function makeReal(id, timer) {
    timer.due = Infinity;
    const fireNow = () => {
      if (timers.get(id) !== timer) return;
      if (timer.repeats) makeReal(id, timer);
      else timers.delete(id);
      timer.run();
    };
    const firstPaint = videoStart === null && elements.ready();
    if (firstPaint) firstPaint.then(fireNow).catch(report);
    else setTimeout.call(window, fireNow, timer.wait);
  }

  /** @typedef {(callback: TimerHandler, delay?: number, ...values: unknown[]) => number} SetTimer */

  window.setTimeout = /** @type {typeof window.setTimeout} */ (/** @type {unknown} */ (setPageTimeout));
  /** @type {SetTimer} */
  function setPageTimeout(callback, delay, ...values) {
    return clock.caller().includes(clock.OUR_FILES)
      ? setTimeout.call(window, callback, delay, ...values)
      : add(callback, delay, values, false);
  }
  window.setInterval = /** @type {typeof window.setInterval} */ (/** @type {unknown} */ (setPageInterval));
  /** @type {SetTimer} */
  function setPageInterval(callback, delay, ...values) {
    return clock.caller().includes(clock.OUR_FILES)
      ? setInterval.call(window, callback, delay, ...values)
      : add(callback, delay, values, true);
  }
  window.clearTimeout = window.clearInterval = function (/** @type {number | undefined} */ id) {
    if (!timers.delete(Number(id))) clearTimeout.call(window, id);
  };

  // The browser is never idle when frames are drawn on command.
  window.requestIdleCallback = (callback) =>
    window.setTimeout(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 1);
  window.cancelIdleCallback = window.clearTimeout;

  // Yields a task: promise reactions of a callback run before the next callback.
  const channel = new MessageChannel();
  /** @type {() => void} */
  let resumeTask;
  channel.port1.onmessage = () => resumeTask();
  /** @returns {Promise<void>} */
  const yieldTask = () =>
    new Promise((resolve) => {
      resumeTask = resolve;
      channel.port2.postMessage(null);
    });

  const inner = () => clock.inner("__hyperframesRenderTimers");

  // The page time at which the next timer is due; Infinity if there is none.
  function nextDue() {
    let first = Infinity;
    for (const timer of timers.values()) if (timer.due < first) first = timer.due;
    for (const frame of inner()) first = Math.min(first, frame.nextDue());
    return first;
  }

  // Runs all timers that are due at `moment` of the page time.
  /** @param {number} moment */
  async function fire(moment) {
    now = Math.max(now, moment);
    if (videoStart !== null) clock.setTime(Math.max(0, moment - videoStart));
    for (const [id, timer] of [...timers]) {
      if (timer.due > moment || timers.get(id) !== timer) continue;
      if (timer.repeats) timer.due += timer.wait;
      else timers.delete(id);
      firing = true;
      try {
        timer.run();
      } catch (error) {
        report(error);
      }
      await yieldTask();
      firing = false;
    }
    for (const frame of inner()) await frame.fire(moment);
  }

  /** @type {(moment: number, begun: number | null) => void} */
  function advanceTo(moment, begun) {
    now = Math.max(now, moment);
    videoStart = begun;
    for (const frame of inner()) frame.advanceTo(moment, begun);
  }

  /** @param {number} moment */
  async function passUntil(moment) {
    for (let due = nextDue(); due <= moment; due = nextDue()) await fire(due);
    advanceTo(moment, videoStart);
  }

  // Runs, before the video, the timers that register timelines. The other timers keep their whole delay.
  async function runSetUp() {
    let found = false;
    for (const [id, timer] of [...timers]) {
      if (!timer.setsUp || !timers.delete(id)) continue;
      found = true;
      try {
        timer.run();
      } catch (error) {
        report(error);
      }
      await yieldTask();
    }
    for (const frame of inner()) found = (await frame.runSetUp()) || found;
    return found;
  }

  // Starts the video at the current page time. Later calls do nothing. The delay of a timer that was set while the page
  // loaded counts from frame 0, whatever other timers ran before.
  function begin() {
    if (videoStart !== null) return;
    restart();
    advanceTo(now, now);
  }

  function restart() {
    for (const timer of timers.values()) if (timer.due !== Infinity) timer.due = now + timer.wait;
    for (const frame of inner()) frame.restart();
  }

  // Runs the timers that are due up to `ms` of the video. Returns a promise only if there are any.
  /** @param {number} ms */
  function runUntil(ms) {
    const moment = (videoStart ?? 0) + ms;
    return nextDue() <= moment ? passUntil(moment) : advanceTo(moment, videoStart);
  }

  // Waits for a page that delays a frame until `done`. Timers numbered from `first` on, and timers that are set
  // meanwhile, run by the browser's clock.
  /** @type {(done: Promise<unknown>, first: number, longest?: number) => Promise<void>} */
  async function waitFor(done, first, longest = LONGEST) {
    if (next > first) {
      let over = false;
      done.then(() => {
        over = true;
      });
      await yieldTask();
      if (over) return;
      for (const [id, timer] of timers) {
        if (id >= first && timer.due !== Infinity && timer.wait <= longest) makeReal(id, timer);
      }
    }
    late = true;
    try {
      await done;
    } finally {
      late = false;
    }
  }

  // The page runtime seeks while the page loads; a page that delays that seek waits by its own short timers.
  /** @type {(done: Promise<unknown>) => Promise<void>} */
  const finishLoading = (done) => waitFor(done, FIRST, SET_UP_DELAY);

  Object.defineProperty(window, "__hyperframesRenderTimers", {
    value: Object.freeze({
      passUntil,
      yieldTask,
      setRealTimeout: setTimeout.bind(window),
      runSetUp,
      finishLoading,
      restart,
      begin,
      runUntil,
      waitFor,
      nextDue,
      fire,
      advanceTo,
      time: () => [now, videoStart],
      next: () => next, // the number of the next timer that is set
      dueInVideo: () => nextDue() - (videoStart ?? 0),
    }),
  });
})();
