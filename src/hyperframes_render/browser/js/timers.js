// Runs before any script of the page, in every frame of it: its timers go by the page's own time, in milliseconds. That
// begins as the page loads and stands while something is on its way; the renderer lets it pass where the page waits for
// it (passUntil), and goes on with the frames of the video (runUntil). Timers of the page runtime are the browser's own.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderTimers")) return;
  const clock = window.__hyperframesRenderClock;
  const elements = window.__hyperframesRenderElements;
  const { setTimeout, clearTimeout, setInterval, eval: evaluate, MessageChannel } = window;
  const report = window.reportError.bind(window);
  const FIRST = 1_000_000_000; // the browser's own count from 1
  const TURN = 4; // milliseconds: what waits no longer while a page loads only gives others a turn
  const LONGEST = 0x7fffffff; // a longer delay is none (HTML, "timer initialization steps")

  const timers = new Map(); // by their numbers
  let next = FIRST;
  let firing = false;
  let late = false; // the page draws a frame late: what it waits for by timers is real
  let [now, lead] = enclosing(); // page time, and what it was at the video's beginning

  function enclosing() {
    try {
      return window === window.top ? [0, null] : window.parent.__hyperframesRenderTimers.time();
    } catch {
      return [0, null];
    } // in a frame of another origin
  }

  function add(callback, delay, values, repeats) {
    let wait = Math.trunc(Number(delay));
    if (!(wait > 0 && wait <= LONGEST)) wait = 0;
    if (firing || repeats) wait = Math.max(1, wait); // one that is set anew and anew must not stop time
    const run =
      typeof callback === "function" ? () => callback.apply(window, values) : () => evaluate(String(callback));
    const timer = { due: now + wait, wait, repeats, run };
    timers.set(next, timer);
    if (late || (lead === null && !repeats && wait <= TURN)) makeReal(next, timer);
    return next++;
  }

  function makeReal(id, timer) {
    timer.due = Infinity;
    const fire = () => {
      if (timers.get(id) !== timer) return;
      if (timer.repeats) makeReal(id, timer);
      else timers.delete(id);
      timer.run();
    };
    const painting = lead === null && elements.ready();
    if (painting) painting.then(fire).catch(report);
    else setTimeout.call(window, fire, timer.wait);
  }

  window.setTimeout = function (callback, delay, ...values) {
    return clock.caller().includes(clock.OUR_FILES)
      ? setTimeout.call(window, callback, delay, ...values)
      : add(callback, delay, values, false);
  };
  window.setInterval = function (callback, delay, ...values) {
    return clock.caller().includes(clock.OUR_FILES)
      ? setInterval.call(window, callback, delay, ...values)
      : add(callback, delay, values, true);
  };
  window.clearTimeout = window.clearInterval = function (id) {
    if (!timers.delete(Number(id))) clearTimeout.call(window, id);
  };

  // The browser is never idle where frames come by command.
  window.requestIdleCallback = (callback) =>
    window.setTimeout(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 1);
  window.cancelIdleCallback = window.clearTimeout;

  // What a callback promised is done before the next callback.
  const turns = new MessageChannel();
  let hasTurn;
  turns.port1.onmessage = () => hasTurn();
  const turn = () =>
    new Promise((resolve) => {
      hasTurn = resolve;
      turns.port2.postMessage(null);
    });

  const inner = () => clock.inner("__hyperframesRenderTimers");

  // The page's time at which the next timer is due.
  function nextDue() {
    let first = Infinity;
    for (const timer of timers.values()) if (timer.due < first) first = timer.due;
    for (const frame of inner()) first = Math.min(first, frame.nextDue());
    return first;
  }

  async function fire(moment) {
    now = Math.max(now, moment);
    if (lead !== null) clock.stand(Math.max(0, moment - lead));
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
      await turn();
      firing = false;
    }
    for (const frame of inner()) await frame.fire(moment);
  }

  function reach(moment, begun) {
    now = Math.max(now, moment);
    lead = begun;
    for (const frame of inner()) frame.reach(moment, begun);
  }

  async function passUntil(moment) {
    for (let due = nextDue(); due <= moment; due = nextDue()) await fire(due);
    reach(moment, lead);
  }

  // The video begins here, once.
  function begin() {
    if (lead === null) reach(now, now);
  }

  // Run those that are due by `ms` of the video; a promise where there are some.
  const runUntil = (ms) => (nextDue() <= lead + ms ? passUntil(lead + ms) : reach(lead + ms, lead));

  // A frame that is drawn late: timers that were set since `first` was the next one, and others while `done` is awaited,
  // go by the browser's clock.
  async function waitFor(done, first) {
    if (next > first) {
      let over = false;
      done.then(() => {
        over = true;
      });
      await turn();
      if (over) return;
      for (const [id, timer] of timers) if (id >= first && timer.due !== Infinity) makeReal(id, timer);
    }
    late = true;
    try {
      await done;
    } finally {
      late = false;
    }
  }

  Object.defineProperty(window, "__hyperframesRenderTimers", {
    value: Object.freeze({
      passUntil,
      begin,
      runUntil,
      waitFor,
      nextDue,
      fire,
      reach,
      time: () => [now, lead],
      next: () => next,
      dueInVideo: () => nextDue() - lead,
    }),
  });
})();
