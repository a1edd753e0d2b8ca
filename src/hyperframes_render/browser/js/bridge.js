// The renderer's side of the page runtime: one frozen object with the few calls that the renderer makes.
// A function of the frame rate, called before any script of the page; it keeps its own references to what it needs.
(fps) => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRender")) return;
  const clock = window.__hyperframesRenderClock;
  const timers = window.__hyperframesRenderTimers;
  const mediaElements = window.__hyperframesRenderMediaElements;
  const timing = window.__hyperframesRenderTiming;
  const videoFrames = window.__hyperframesRenderVideoFrames;
  const { sounds } = window.__hyperframesRenderSounds;
  const { clips } = window.__hyperframesRenderClips;
  const animations = window.__hyperframesRenderAnimations;
  const tweens = window.__hyperframesRenderTweens;
  const elements = window.__hyperframesRenderElements;
  const edits = window.__hyperframesRenderEdits;
  const transitions = window.__hyperframesRenderTransitions;
  const { infer } = window.__hyperframesRenderLength;
  const rootless = window.__hyperframesRenderRootless ?? null; // of a page that has no composition root
  const { addEventListener } = window;
  const MAX_ERRORS = 20; // of one frame
  const MAX_SCRIPT_TEXT = 1_000_000;
  const MAX_NAMES = 10_000;
  const MAX_NAME = 200; // characters
  const LONGEST_WALK = 500; // milliseconds that one call goes through frames: it must answer in time
  const EPSILON = 1e-6; // seconds
  let errorsWhileSeeking = [];
  let drawsElements = false; // into canvases
  const note = (message) => {
    if (message && errorsWhileSeeking.length < MAX_ERRORS) errorsWhileSeeking.push(String(message).slice(0, 300));
  };
  addEventListener.call(window, "error", (event) => note(event.message));
  addEventListener.call(window, "unhandledrejection", (event) => note(event.reason));

  // Read by the page runtime: quantise time to this frame rate, leave media to the renderer.
  window.__HF_EXPORT_RENDER_SEEK_CONFIG = { mode: "preview-phase", fps, fpsSource: "render-options", owner: "runtime" };
  window.__HF_RENDER_CAPTURE_MODE = true;

  const hasFiniteAnimation = () =>
    document.getAnimations().some((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime));

  // Compositions that have no timeline and do not say that none will come. A sole timeline of a sole composition is
  // bound whatever its name.
  function missingTimelines(registered) {
    const all = new Set(
      [...document.querySelectorAll("[data-composition-id]:not([data-no-timeline])")].map((e) =>
        e.getAttribute("data-composition-id"),
      ),
    );
    return all.size === 1 && registered.length ? [] : [...all].filter((id) => id && !registered.includes(id));
  }

  // It is asked for every few milliseconds: names that no author gives must not fill the memory.
  const cut = (names) => names.slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME));

  // The text of the scripts in the page that mention timelines.
  const timelineScripts = () =>
    [...document.scripts]
      .map((script) => script.textContent)
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
      timelines: cut(timelines),
      missing: cut(missing),
      media: mediaElements.pending(),
      transitions: transitions.pending(),
      time: timers.time()[0],
      timer: Number.isFinite(timer) ? timer : null,
      frameWanted: clock.waits(),
      hosts: [...document.querySelectorAll("[data-composition-src]")].filter(
        (e) => e.getAttribute("data-composition-src").trim() && !e.childElementCount,
      ).length,
      animated: hasFiniteAnimation(),
      webgpu:
        document
          .querySelector("[data-composition-id][data-requires-webgpu]")
          ?.getAttribute("data-composition-id")
          .slice(0, MAX_NAME) ?? "",
    };
  }

  // An animation frame before the video.
  function setUp() {
    clock.moveTo(0);
    animations.holdAtStart();
  }

  // Let the page's time pass until `ms`.
  async function passTime(ms) {
    await elements.ready();
    await timers.passUntil(ms);
  }

  // Seconds that the page lasts, and what tells. Where neither the root nor the page runtime does, what is in it; the root
  // then says so, since clips must know when the video ends.
  let length = null;
  function ofComposition() {
    const root = document.querySelector("[data-composition-id]");
    const declared = ["data-duration", "data-composition-duration"].map((name) => Number(root?.getAttribute(name)));
    // The runtime knows no duration where there is no timeline, whatever the root says.
    const known = declared.find((seconds) => seconds > 0) ?? (Number(window.__player.getDuration()) || 0);
    if (known > 0 && !length?.from) return { seconds: known, from: "" };
    const found = infer();
    if (found.seconds > 0) root?.setAttribute("data-duration", String(found.seconds));
    return found;
  }

  // Fonts that are named are loaded even where no text shows them yet: a late first use would be drawn in a fallback.
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
    if (!rootless) length = ofComposition();
    timing.findStarts(length.seconds);
    const ready = elements.ready();
    drawsElements = ready !== null;
    if (drawsElements) {
      await ready;
      // What timelines drew before there was anything to draw.
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

  // What a script or a film draws may be as rich as a photograph.
  const paints = () => document.querySelector("canvas, video") !== null;

  // Every browser goes through the beginning and through the frames at which a jump must stop: what a frame shows does
  // not depend on the frame that this browser came from. False where there is more to go through than one call may take.
  let arrived = null; // seconds
  async function arrive(seconds) {
    timers.begin();
    const until = clock.realNow() + LONGEST_WALK;
    if (arrived === null) {
      if (seconds > 0) await goThrough(0);
      arrived = 0;
    }
    if (seconds - arrived > 1.5 / fps) {
      const stops = tweens.stops(arrived, seconds, fps);
      for (let next = nextStop(stops, seconds); next !== null; next = nextStop(stops, seconds)) {
        await goThrough(next);
        arrived = next;
        if (clock.realNow() > until) return false;
      }
    }
    arrived = seconds;
    return true;
  }

  // Where a jump to `seconds` must stop next: at one of the `stops`, at the first frame after a timer is due, and at each
  // frame where the page draws in animation frames.
  function nextStop(stops, seconds) {
    while (stops.length && stops[0] < arrived + EPSILON) stops.shift();
    const frame = Math.round(arrived * fps) + 1;
    const due = Math.ceil((timers.dueInVideo() / 1000 - EPSILON) * fps);
    const next = clock.remembers() ? frame : Math.max(frame, Math.min(due, Math.round((stops[0] ?? Infinity) * fps)));
    return next / fps < seconds - EPSILON ? next / fps : null;
  }

  async function goThrough(seconds) {
    await drawInTime(seconds);
    if (clock.remembers()) clock.moveTo(seconds * 1000);
  }

  // Timers of the time before a frame come before it; what its callbacks set for at once, after it.
  async function drawInTime(seconds) {
    await runTimers(seconds);
    draw(seconds);
    await runTimers(seconds);
  }

  const runTimers = (seconds) => timers.runUntil(seconds * 1000);

  function draw(seconds) {
    clock.stand(seconds * 1000);
    animations.advance(seconds);
    rootless?.advance(seconds);
    transitions.seek(seconds);
    edits.apply(seconds);
    animations.hold(seconds);
  }

  // Films first: what draws in an animation frame may read their pixels. `films` are those whose pictures are needed;
  // the clock stands still until `show` has brought them. `more`: ask once more.
  async function seek(seconds) {
    sinceSeek = timers.next();
    if (!(await arrive(seconds))) return { more: true };
    await drawInTime(seconds);
    animations.seek(seconds, timing.elapsedInClip);
    const videos = videoFrames.wanted(seconds, fps);
    if (videos.length) return { videos };
    clock.moveTo(seconds * 1000);
    return drawn(seconds);
  }

  async function show(images, seconds) {
    await videoFrames.show(images);
    clock.moveTo(seconds * 1000);
    if (images.length) {
      await window.__hfReseekGpu?.(seconds);
      window.__hf?.colorGrading?.redraw?.();
    }
    return drawn(seconds);
  }

  async function drawn(seconds) {
    await runTimers(seconds);
    if (!drawsElements) await seekIsDone();
    animations.hold(seconds);
    return { errors: errors() };
  }

  // Pages may hold a frame up: waitUntil of "hf-seek", sources of frames.
  let sinceSeek = 0; // the number of the first timer that is set from there on
  const seekIsDone = () => timers.waitFor(Promise.resolve(window.__hfWaitForSeekCompletion?.()).catch(note), sinceSeek);

  // Where HTML is drawn into canvases, after the seek was painted: what waits for that painting is done. Tells whether the
  // picture is complete only after another one, and `blend`.
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

  // The page runtime's promises of work that a seek started (Three.js textures, colour tables, page shaders).
  async function settled() {
    await window.__hfWaitForSeekCompletion?.();
    await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  }

  Object.defineProperty(window, "__hyperframesRender", {
    value: Object.freeze({
      status,
      setUp,
      passTime,
      timelineScripts,
      settle,
      length: () => (length = rootless ? length : ofComposition()),
      movingSpans: tweens.movingSpans,
      paints,
      seek,
      show,
      painted,
      blend: transitions.resolve,
      settled,
      sounds,
      clips,
    }),
  });
};
