// One frozen object, __hyperframesRender, with all functions that the renderer calls (browser/bridge.py).
// This file is a function of the frame rate and the video's length in seconds (0: not known yet). It is called before any script of the page, and keeps its own references to
// the browser functions that it needs.
/** @type {(fps: number, seconds: number) => void} */
(fps, seconds) => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRender")) return;
  const clock = window.__hyperframesRenderClock;
  const timers = window.__hyperframesRenderTimers;
  const loading = window.__hyperframesRenderLoading;
  const mediaElements = window.__hyperframesRenderMediaElements;
  const timing = window.__hyperframesRenderTiming;
  const videoFrames = window.__hyperframesRenderVideoFrames;
  const playback = window.__hyperframesRenderPlayback;
  const { sounds, played } = window.__hyperframesRenderSounds;
  const webAudio = window.__hyperframesRenderWebAudio;
  if (seconds > 0) webAudio.setLongest(seconds);
  const outside = window.__hyperframesRenderOutside;
  const clips = window.__hyperframesRenderClips;
  const animations = window.__hyperframesRenderAnimations;
  const tweens = window.__hyperframesRenderTweens;
  const elements = window.__hyperframesRenderElements;
  const edits = window.__hyperframesRenderEdits;
  const transitions = window.__hyperframesRenderTransitions;
  const { infer } = window.__hyperframesRenderLength;
  const rootless = window.__hyperframesRenderRootless ?? null; // only in a page without a composition root
  const { addEventListener } = window;
  // A sub-composition says so at its own root, which lies in its host.
  const WITH_TIMELINE = "[data-composition-id]:not([data-no-timeline]):not(:has(> [data-no-timeline]))";
  const MAX_ERRORS = 20; // of one frame
  const MAX_SCRIPT_TEXT = 1_000_000;
  const MAX_NAMES = 10_000;
  const MAX_NAME = 200; // characters
  const MAX_CALL_TIME = 500; // milliseconds that one call may run frames: it must answer in time
  const FIRST_STEPS = [1000 / 60, 1000 / fps - 1]; // milliseconds: a frame of a display, and almost one of the video
  const SAMPLE = 32; // pixels
  const EPSILON = 1e-6; // seconds
  /** @type {string[]} */
  let errorsWhileSeeking = [];
  let drawsElements = false; // whether HTML is drawn into canvases
  const recordError = (/** @type {unknown} */ message) => {
    if (message && errorsWhileSeeking.length < MAX_ERRORS) errorsWhileSeeking.push(String(message).slice(0, 300));
  };
  addEventListener.call(window, "error", (/** @type {Event} */ event) =>
    recordError(/** @type {ErrorEvent} */ (event).message),
  );
  addEventListener.call(window, "unhandledrejection", (/** @type {Event} */ event) =>
    recordError(/** @type {PromiseRejectionEvent} */ (event).reason),
  );

  // The page runtime reads these: it rounds times to this frame rate, and leaves media to the renderer.
  window.__HF_EXPORT_RENDER_SEEK_CONFIG = { mode: "preview-phase", fps, fpsSource: "render-options", owner: "runtime" };
  window.__HF_RENDER_CAPTURE_MODE = true;

  const hasFiniteAnimation = () =>
    animations.list().some((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime));

  // Compositions without a timeline and without data-no-timeline. If there is only one composition, the page runtime binds
  // its only timeline under any name.
  /** @type {(registered: string[]) => string[]} */
  function missingTimelines(registered) {
    const all = new Set(
      [...document.querySelectorAll(WITH_TIMELINE)].map((e) => e.getAttribute("data-composition-id")),
    );
    return all.size === 1 && registered.length
      ? []
      : [...all].filter((id) => id !== null).filter((id) => id !== "" && !registered.includes(id));
  }

  // The status is read every few milliseconds: absurdly many or long names must not fill the memory.
  const limited = (/** @type {string[]} */ names) => names.slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME));

  // The text of the inline scripts that mention timelines.
  const timelineScripts = () =>
    [...document.scripts]
      .map((script) => script.textContent ?? "")
      .filter((text) => text.includes("__timelines"))
      .join("\n")
      .slice(0, MAX_SCRIPT_TEXT);

  function status() {
    const registry = window.__timelines ?? {};
    const timelines = Object.keys(registry).filter((key) => registry[key]);
    const missing = missingTimelines(timelines);
    const timer = timers.nextDue();
    return {
      document: document.readyState,
      gsap: window.gsap !== undefined,
      player: typeof window.__player?.renderSeek === "function",
      ready: window.__renderReady === true,
      timelines: limited(timelines),
      missing: limited(missing),
      media: mediaElements.pending(),
      loading: loading.pending() || webAudio.pending() > 0,
      transitions: transitions.pending(),
      time: timers.time()[0],
      timer: Number.isFinite(timer) ? timer : null,
      frameWanted: clock.hasRequests(),
      hosts: [...document.querySelectorAll("[data-composition-src]")].filter(
        (e) => e.getAttribute("data-composition-src")?.trim() && !e.childElementCount,
      ).length,
      animated: hasFiniteAnimation(),
      webgpu:
        document
          .querySelector("[data-composition-id][data-requires-webgpu]")
          ?.getAttribute("data-composition-id")
          ?.slice(0, MAX_NAME) ?? "",
    };
  }

  // Runs one animation frame before the video.
  function setUp() {
    clock.moveTo(0);
    animations.adopt(0);
  }

  // Runs the page's timers up to `ms` of its own time.
  /** @param {number} ms */
  async function passTime(ms) {
    await elements.ready();
    await timers.passUntil(ms);
  }

  // The length of the page. If neither the root nor the page runtime declares one, it is inferred from the page's content
  // and written to the root, since clips without a length end with the video.
  /** @type {Length | null} */
  let length = null;
  /** @returns {Length} */
  function ofComposition() {
    const root = document.querySelector("[data-composition-id]");
    const declared = ["data-duration", "data-composition-duration"].map((name) => Number(root?.getAttribute(name)));
    // The runtime reports no duration without a timeline, even if the root declares one.
    const known = declared.find((seconds) => seconds > 0) ?? (Number(window.__player.getDuration()) || 0);
    if (known > 0 && !length?.from) return { seconds: known, from: "" };
    const found = infer();
    if (found.seconds > 0) root?.setAttribute("data-duration", String(found.seconds));
    return found;
  }

  // Decodes the images and loads the fonts, even fonts that no text uses yet: at a late first use, the browser would draw
  // the text in a fallback font first.
  async function settle() {
    edits.apply(0);
    if (rootless) length = rootless.settle();
    window.__hfForceTimelineRebind?.();
    const images = [...document.images].map((image) => image.decode().catch(() => image.currentSrc || image.src));
    const fonts = [...document.fonts].map((face) =>
      face.load().then(
        () => null,
        () => face.family,
      ),
    );
    const [failedImages, failedFonts] = await Promise.all([Promise.all(images), Promise.all(fonts)]);
    await document.fonts.ready;
    await window.__hf?.colorGrading?.waitForActiveLuts?.();
    if (!length || !rootless) length = ofComposition();
    timing.findStarts(length.seconds);
    const ready = elements.ready();
    drawsElements = ready !== null;
    if (drawsElements) {
      await ready;
      // Timelines drew before the first paint, when nothing could be copied into a canvas. Draw frame 0 again.
      draw(1 / fps);
      draw(0);
      await seekIsDone();
    }
    return {
      images: failedImages.filter((source) => typeof source === "string" && source),
      fonts: [...new Set(failedFonts.filter(Boolean))],
      drawsElements,
    };
  }

  // Whether the page may show content as rich as a photograph, drawn by a script or in a video.
  const paints = () => document.querySelector("canvas, video") !== null;

  /** @type {number | null} */
  let lastSeek = null; // seconds of the last frame that was run

  // Runs frame 0 and all frames at which a jump must stop, so that a frame does not depend on the frame that this browser
  // drew before. Returns null when `seconds` may be drawn. Otherwise the renderer lets the browser send its events at
  // the time `at` (seconds), waits for what is `loading`, and calls again.
  /** @param {number} seconds */
  async function runTo(seconds) {
    const until = clock.realNow() + MAX_CALL_TIME;
    if (lastSeek === null) {
      await begin();
      lastSeek = 0;
      if (seconds > 0) {
        await runFrame(0);
        return stopAt(0);
      }
    }
    if (clock.observes()) await timers.yieldTask();
    animations.adopt(lastSeek * 1000);
    if (seconds - lastSeek > 1.5 / fps) {
      const stops = tweens.stops(lastSeek, seconds, fps);
      for (let next = nextStop(stops, lastSeek, seconds); next !== null; next = nextStop(stops, lastSeek, seconds)) {
        await runFrame(next);
        lastSeek = next;
        if (animations.takeEvents() || clock.observes() || isLoading() || clock.realNow() > until) return stopAt(next);
      }
    }
    lastSeek = seconds;
    return null;
  }

  const stopAt = (/** @type {number} */ at) => ({ more: true, at, loading: isLoading() });
  const isLoading = () => loading.pending() || mediaElements.pending() > 0 || webAudio.pending() > 0;

  async function begin() {
    await timers.finishLoading(seekIsOver());
    tweens.reportCallbackErrors();
    timers.begin();
    animations.begin(clips.startOfClip);
    await webAudio.begin();
  }

  // The next time at which a jump from `from` to `seconds` must stop, null if there is none: one of the `stops`, the first
  // frame after a timer is due or an animation begins or ends, or the next frame if the page draws in animation frames.
  /** @type {(stops: number[], from: number, seconds: number) => number | null} */
  function nextStop(stops, from, seconds) {
    while ((stops[0] ?? Infinity) < from + EPSILON) stops.shift();
    const frame = Math.round(from * fps) + 1;
    const due = Math.ceil((Math.min(timers.dueInVideo(), animations.nextEvent()) / 1000 - EPSILON) * fps);
    const next = clock.keepsState() ? frame : Math.max(frame, Math.min(due, Math.round((stops[0] ?? Infinity) * fps)));
    return next / fps < seconds - EPSILON ? next / fps : null;
  }

  /** @param {number} seconds */
  async function runFrame(seconds) {
    await drawInTime(seconds);
    if (clock.keepsState()) runAnimationFrames(seconds);
    animations.adopt(seconds * 1000);
  }

  // Timers that are due by a frame run before it. Timers without delay that its callbacks set run after it.
  /** @param {number} seconds */
  async function drawInTime(seconds) {
    await runTimers(seconds);
    draw(seconds);
    await runTimers(seconds);
  }

  /** @param {number} seconds */
  async function runTimers(seconds) {
    if (webAudio.isUsed()) await runTimersWithGraphs(seconds);
    await timers.runUntil(seconds * 1000);
  }

  // Renders the Web Audio graphs up to each timer that is due, and then up to the frame.
  /** @param {number} seconds */
  async function runTimersWithGraphs(seconds) {
    for (let due = timers.dueInVideo(); due < seconds * 1000; due = timers.dueInVideo()) {
      await webAudio.advance(due / 1000);
      await timers.runUntil(due);
    }
    await webAudio.advance(seconds);
  }

  /** @param {number} seconds */
  function draw(seconds) {
    clock.setTime(seconds * 1000);
    animations.advance(seconds * 1000);
    animations.seekSvg(seconds);
    rootless?.advance(seconds);
    transitions.seek(seconds);
    edits.apply(seconds);
    animations.adopt(seconds * 1000);
  }

  // Moves the page to `seconds`. `more`: call again. `videos`: these frames must be shown first, by `show`, since scripts
  // may read them in an animation frame; the clock stands still until then.
  /** @param {number} seconds */
  async function seek(seconds) {
    sinceSeek = timers.next();
    const stop = await runTo(seconds);
    if (stop) return stop;
    await drawInTime(seconds);
    const videos = videoFrames.wanted(seconds, fps);
    if (videos.length) return { videos };
    runAnimationFrames(seconds);
    return drawn(seconds);
  }

  // Runs the page's animation frames. At frame 0 no time has passed: a loop that waits for some before it draws (p5, Pixi)
  // gets a moment, if its canvas is still empty.
  /** @param {number} seconds */
  function runAnimationFrames(seconds) {
    clock.moveTo(seconds * 1000);
    if (seconds > 0) return;
    for (const ms of FIRST_STEPS) if (clock.hasRequests() && hasEmptyCanvas()) clock.moveTo(ms);
    clock.setTime(0);
  }

  // Whether nothing was drawn into some canvas of the page.
  function hasEmptyCanvas() {
    const canvases = [...document.querySelectorAll("canvas")].filter((canvas) => canvas.width && canvas.height);
    return canvases.some((canvas) => {
      const pen = new OffscreenCanvas(SAMPLE, SAMPLE).getContext("2d");
      try {
        pen?.drawImage(canvas, 0, 0, SAMPLE, SAMPLE);
        return pen?.getImageData(0, 0, SAMPLE, SAMPLE).data.every((value) => value === 0);
      } catch {
        return false; // it contains an image of another origin
      }
    });
  }

  /** @type {(images: [number, string][], seconds: number) => ReturnType<typeof drawn>} */
  async function show(images, seconds) {
    await videoFrames.show(images);
    runAnimationFrames(seconds);
    if (images.length) {
      await window.__hfReseekGpu?.(seconds);
      window.__hf?.colorGrading?.redraw?.();
    }
    return drawn(seconds);
  }

  /** @param {number} seconds */
  async function drawn(seconds) {
    await runTimers(seconds);
    if (!drawsElements) await seekIsDone();
    animations.adopt(seconds * 1000);
    animations.takeEvents(); // the browser sends them when it draws the frame
    return {
      errors: errors(),
      warnings: outside.take(),
      loading: isLoading(),
      played: playback.started() || webAudio.isLate(),
    };
  }

  // A page may delay a frame: by waitUntil of "hf-seek", and by frame sources.
  let sinceSeek = 0; // the number of the first timer that is set after the seek began
  const seekIsOver = () => Promise.resolve(window.__hfWaitForSeekCompletion?.()).catch(recordError);
  const seekIsDone = () => timers.waitFor(seekIsOver(), sinceSeek);

  // For pages that draw HTML into canvases, after the seek was painted: finishes the work that waits for that paint. True:
  // the frame needs another paint, and `blend`.
  async function painted() {
    await seekIsDone();
    const blends = transitions.running();
    if (blends) await transitions.prepare();
    return blends;
  }

  function errors() {
    if (!errorsWhileSeeking.length) return null;
    const errors = errorsWhileSeeking;
    errorsWhileSeeking = [];
    return errors;
  }

  // Waits for what scripts load, for the work that a seek started (Three.js textures, colour tables, page shaders), and for the images.
  async function settled() {
    await loading.done();
    await mediaElements.done();
    while (webAudio.pending()) await new Promise((resolve) => timers.setRealTimeout(() => resolve(null), 1));
    await window.__hfWaitForSeekCompletion?.();
    await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  }

  Object.defineProperty(window, "__hyperframesRender", {
    value: Object.freeze({
      status,
      setUp,
      passTime,
      runSetUpTimers: timers.runSetUp,
      timelineScripts,
      settle,
      length: () => (length = rootless ? length : ofComposition()),
      movingSpans: tweens.movingSpans,
      tweenEnds: tweens.ends,
      paints,
      seek,
      show,
      painted,
      blend: transitions.resolve,
      settled,
      sounds,
      played: async (/** @type {number} */ end) => ({
        ...played(webAudio.isRouted),
        graphs: await webAudio.finish(end),
        warnings: [...playback.warnings(), ...(outside.take() ?? [])],
      }),
      samples: webAudio.samples,
      plays: () => webAudio.isUsed() || playback.isExpected(),
      hasFreeMedia: playback.hasFreeElements,
      clips: clips.clips,
    }),
  });
};
