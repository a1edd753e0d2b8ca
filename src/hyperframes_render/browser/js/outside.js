// Reports what a page uses that does not follow the video's time, or is not in the video: each once. Runs in the page and
// in each of its iframes, which report to the page.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderOutside")) return;
  const { fetch, Reflect, URL, HTMLCanvasElement, HTMLMediaElement } = window;
  const MACHINE = "follows the machine's clock, so two renders may differ";
  const WORKER = `A worker uses timers or animation frames, which ${MACHINE.replace("follows", "follow")}.`;
  const CANVAS = `A canvas is drawn by an OffscreenCanvas (transferControlToOffscreen): a worker ${MACHINE}. Draw in the page.`;
  const SCROLL = "An animation has a scroll or view timeline: it moves only when a script scrolls the page.";
  const RECORDER = `The page records a stream (MediaRecorder): the recording ${MACHINE}.`;
  const STREAM = "A media element plays a stream (srcObject), which is not in the video.";
  const SOURCE = "A script feeds a media element (MediaSource): its video is not shown and its sound is not heard.";
  const DEVICE = "The page asks for a camera, a microphone or the screen: a render has none.";
  const SPEECH = "The page speaks (speechSynthesis): speech is not heard.";
  const INNER = "A media element in an iframe plays: its sound is not heard. Put the element in the page.";
  const TRACK =
    "A text track (<track>, textTracks) has no current cues: captions are not shown. Draw them in the page.";
  const TIMED = /\b(?:setTimeout|setInterval|requestAnimationFrame)\b/;

  /** @type {Set<string>} */
  const found = new Set();
  let reported = 0; // of `found`, in its order

  /** @param {string} text */
  function add(text) {
    try {
      if (window !== window.top) return window.top?.__hyperframesRenderOutside.add(text);
    } catch {} // the parent is of another origin
    found.add(text);
  }

  // Replaces a class by one that calls `used` with the arguments of each construction.
  /** @type {(name: string, used: (values: any[]) => void) => void} */
  function watchClass(name, used) {
    const Original = /** @type {any} */ (window)[name];
    if (typeof Original !== "function") return;
    /** @this {unknown} @param {any[]} values */
    function Watched(...values) {
      if (!new.target) return Original(...values); // throws the browser's own error
      used(values);
      return Reflect.construct(Original, values, new.target === Watched ? Original : new.target);
    }
    Object.setPrototypeOf(Watched, Original);
    Watched.prototype = Original.prototype;
    Object.defineProperty(window, name, { configurable: true, writable: true, value: Watched });
  }

  // Calls `used` before each call of a method.
  /** @type {(owner: any, name: string, used: () => void) => void} */
  function watchMethod(owner, name, used) {
    const original = owner?.[name];
    if (typeof original !== "function") return;
    /** @this {unknown} @param {unknown[]} values */
    owner[name] = function (...values) {
      used();
      return original.apply(this, values);
    };
  }

  // Reads the script of a worker: one that only computes is not reported.
  /** @param {[string | URL]} values */
  async function readWorker([address]) {
    try {
      const answer = await fetch.call(window, new URL(address, document.baseURI).href);
      if (TIMED.test(await answer.text())) add(WORKER);
    } catch {} // the worker fails in the same way
  }
  watchClass("Worker", /** @type {any} */ (readWorker));
  watchClass("SharedWorker", /** @type {any} */ (readWorker));
  watchClass("MediaRecorder", () => add(RECORDER));
  watchClass("MediaSource", () => add(SOURCE));
  watchClass("ScrollTimeline", () => add(SCROLL));
  watchClass("ViewTimeline", () => add(SCROLL));
  watchMethod(HTMLCanvasElement.prototype, "transferControlToOffscreen", () => add(CANVAS));
  watchMethod(window.speechSynthesis && Object.getPrototypeOf(window.speechSynthesis), "speak", () => add(SPEECH));
  const devices = window.MediaDevices?.prototype;
  for (const name of ["getUserMedia", "getDisplayMedia"]) watchMethod(devices, name, () => add(DEVICE));
  if (window !== window.top) watchMethod(HTMLMediaElement.prototype, "play", () => add(INNER));

  const stream = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  if (stream?.set) {
    const { get, set } = stream;
    Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
      configurable: true,
      enumerable: true,
      get,
      /** @this {HTMLMediaElement} @param {unknown} value */
      set(value) {
        if (value) add(STREAM);
        set.call(this, value);
      },
    });
  }

  watchMethod(HTMLMediaElement.prototype, "addTextTrack", () => add(TRACK));
  const tracks = document.getElementsByTagName("track");

  // Looks for text tracks, and for animations of style sheets that follow the scroll position.
  function look() {
    if (tracks.length) add(TRACK);
    const { ScrollTimeline } = /** @type {any} */ (window);
    if (found.has(SCROLL) || !ScrollTimeline) return;
    // A ViewTimeline is a ScrollTimeline.
    if (document.getAnimations().some(({ timeline }) => timeline instanceof ScrollTimeline)) add(SCROLL);
  }

  // The sentences since the last call; null if there are none.
  function take() {
    look();
    const fresh = [...found].slice(reported);
    reported = found.size;
    return fresh.length ? fresh : null;
  }

  Object.defineProperty(window, "__hyperframesRenderOutside", { value: Object.freeze({ add, take }) });
})();
