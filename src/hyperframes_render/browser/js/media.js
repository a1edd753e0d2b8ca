// Films and sounds of the page, without the browser's player. Media elements load nothing: what is in their files the
// renderer tells us, so that pages find sizes and lengths as usual. Before a frame is drawn each visible film is given
// the picture of that moment as its poster, which the browser lays out, fits and filters like a film's own picture;
// whatever reads pixels of a film (canvas, WebGL, WebGPU) gets the same picture.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderMedia")) return;
  const { OUR_FILES } = window.__hyperframesRenderClock;
  const MEDIA = `${OUR_FILES}media?`;
  const PICTURE = `${OUR_FILES}picture?`;
  const { fetch, Image, queueMicrotask, MutationObserver, Promise } = window;
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
  const lanes = window.__hyperframesRenderLanes;
  // Seconds of the longest video: a tween that repeats for ever would be sampled for ever.
  const LONGEST = 4 * 3600;
  const states = new WeakMap();
  const films = new Set();
  let pending = 0;
  let nextId = 1;

  function stateOf(element) {
    let state = states.get(element);
    if (!state) {
      state = {
        id: nextId++,
        url: "",
        facts: null,
        failed: false,
        time: 0,
        paused: true,
        image: null,
        sampled: false,
        waiting: [],
      };
      states.set(element, state);
      for (const type of ["error", "abort", "emptied", "stalled", "suspend", "loadstart"]) {
        element.addEventListener(type, hush, true);
      }
    }
    return state;
  }

  // The browser's own loading fails on purpose: nobody is to hear of it.
  const hush = (event) => {
    const node = event.target;
    if (event.isTrusted && (node instanceof HTMLMediaElement || node instanceof HTMLSourceElement))
      event.stopImmediatePropagation();
  };
  for (const type of ["error", "abort", "emptied", "stalled"]) window.addEventListener(type, hush, true);

  function sourceOf(element) {
    const source = element.getAttribute("src") || element.querySelector(":scope > source[src]")?.getAttribute("src");
    if (!source) return "";
    try {
      return new URL(source, document.baseURI).href;
    } catch {
      return "";
    }
  }

  // Moving pictures are films too: left to themselves they would run by the browser's clock. What may move is asked for;
  // a picture that stands in its address says so in its first bytes.
  function mayMove(url) {
    const own = url.startsWith(`${document.location.origin}/`);
    if (!url.startsWith("data:"))
      return (own ? /\.(gif|apng|png|webp|avif)([?#]|$)/i : /\.(gif|apng|webp|avif)([?#]|$)/i).test(url);
    const [, type, text] = /^data:image\/(gif|apng|png|webp|avif)[^,]*;base64,([^=]{0,2000})/i.exec(url) ?? [];
    if (!text) return false;
    try {
      const head = atob(text.slice(0, text.length & ~3));
      return (
        /gif/i.test(type) ||
        head.includes("acTL") ||
        head.includes("ftypavis") ||
        (head.startsWith("RIFF") && (head.charCodeAt(20) & 2) > 0)
      );
    } catch {
      return false;
    }
  }

  async function discover(element) {
    const state = stateOf(element);
    const url = sourceOf(element);
    if (!url || url === state.url || url === state.given) return;
    const image = element instanceof HTMLImageElement;
    if (image && !mayMove(url)) return;
    Object.assign(state, { url, facts: null, failed: false, image: null });
    if (url.startsWith("data:") && element instanceof HTMLMediaElement && element.hasAttribute("src")) {
      // The browser would play what stands in the address itself.
      state.given = new URL(MEDIA, document.baseURI).href;
      source.set.call(element, state.given);
    }
    if (element instanceof HTMLVideoElement) {
      films.add(element);
      element.removeAttribute("controls");
    }
    pending++;
    try {
      const answer = await fetch((image ? PICTURE : MEDIA) + encodeURIComponent(url));
      const facts = await answer.json();
      if (state.url !== url) return;
      if (facts.error) state.failed = true;
      else state.facts = facts;
      if (image) {
        if (facts.moves) films.add(element);
        else state.facts = null;
        return;
      }
      if (facts.width && !element.hasAttribute("poster")) {
        // A film has its size from the start, also before its first picture is there.
        const blank = `<svg xmlns="http://www.w3.org/2000/svg" width="${facts.width}" height="${facts.height}"/>`;
        element.setAttribute("poster", `data:image/svg+xml,${encodeURIComponent(blank)}`);
      }
    } catch {
      state.failed = true;
    } finally {
      pending--;
    }
    if (state.url !== url) return;
    const events = state.failed
      ? ["error"]
      : ["durationchange", "loadedmetadata", "loadeddata", "canplay", "canplaythrough"];
    for (const type of events) element.dispatchEvent(new Event(type));
  }

  function discoverIn(node) {
    if (node instanceof HTMLMediaElement || node instanceof HTMLImageElement) discover(node);
    else if (node instanceof HTMLSourceElement && node.parentElement instanceof HTMLMediaElement)
      discover(node.parentElement);
    else node.querySelectorAll?.("video, audio, img").forEach(discover);
  }
  new MutationObserver((records) => {
    for (const record of records) {
      if (record.type === "attributes") discoverIn(record.target);
      else record.addedNodes.forEach(discoverIn);
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });

  // What pages read of and do to a media element.
  const fire = (element, ...types) =>
    queueMicrotask(() => types.forEach((type) => element.dispatchEvent(new Event(type))));
  const span = (element) => {
    const end = stateOf(element).facts?.duration ?? 0;
    return { length: end ? 1 : 0, start: () => 0, end: () => end };
  };
  const media = {
    duration: {
      get() {
        return stateOf(this).facts ? (stateOf(this).facts.duration ?? Infinity) : NaN;
      },
    },
    readyState: {
      get() {
        return stateOf(this).facts ? 4 : 0;
      },
    },
    networkState: {
      get() {
        const s = stateOf(this);
        return s.facts ? 1 : s.failed ? 3 : s.url ? 2 : 0;
      },
    },
    error: {
      get() {
        return stateOf(this).failed ? { code: 4, message: "cannot be read" } : null;
      },
    },
    paused: {
      get() {
        return stateOf(this).paused;
      },
    },
    ended: {
      get() {
        return false;
      },
    },
    seeking: {
      get() {
        return false;
      },
    },
    buffered: {
      get() {
        return span(this);
      },
    },
    seekable: {
      get() {
        return span(this);
      },
    },
    currentTime: {
      get() {
        return stateOf(this).time;
      },
      set(value) {
        const state = stateOf(this);
        if (Number(value) === state.time) return;
        state.time = Number(value) || 0;
        fire(this, "seeking", "timeupdate", "seeked");
      },
    },
    play: {
      value() {
        discover(this);
        stateOf(this).paused = false;
        fire(this, "play", "playing");
        return Promise.resolve();
      },
    },
    pause: {
      value() {
        if (!stateOf(this).paused) {
          stateOf(this).paused = true;
          fire(this, "pause");
        }
      },
    },
    load: {
      value() {
        discover(this);
      },
    },
    fastSeek: {
      value(time) {
        this.currentTime = time;
      },
    },
  };
  media.src = {
    get: source.get,
    set(value) {
      source.set.call(this, value);
      discover(this);
    },
  };
  const film = {
    videoWidth: {
      get() {
        return stateOf(this).facts?.width ?? 0;
      },
    },
    videoHeight: {
      get() {
        return stateOf(this).facts?.height ?? 0;
      },
    },
    requestVideoFrameCallback: {
      value(callback) {
        const s = stateOf(this);
        s.sampled = true;
        s.waiting.push(callback);
        return s.waiting.length;
      },
    },
    cancelVideoFrameCallback: { value() {} },
  };
  const define = (prototype, properties) => {
    for (const [name, property] of Object.entries(properties))
      Object.defineProperty(prototype, name, { configurable: true, ...property });
  };
  define(HTMLMediaElement.prototype, media);
  define(HTMLVideoElement.prototype, film);

  // Whatever reads a film's pixels reads its picture of this moment.
  function pictureOf(value) {
    if (!(value instanceof HTMLVideoElement)) return value;
    const state = stateOf(value);
    state.sampled = true;
    films.add(value);
    return state.image ?? value;
  }
  function replaceArgument(name, method, pick) {
    const prototype = window[name]?.prototype;
    const original = prototype?.[method];
    if (typeof original !== "function") return;
    prototype[method] = function (...given) {
      const at = pick(given);
      if (at >= 0) given[at] = pictureOf(given[at]);
      return original.apply(this, given);
    };
  }
  for (const name of ["CanvasRenderingContext2D", "OffscreenCanvasRenderingContext2D"]) {
    for (const method of ["drawImage", "createPattern"]) replaceArgument(name, method, () => 0);
  }
  for (const name of ["WebGLRenderingContext", "WebGL2RenderingContext"]) {
    for (const method of ["texImage2D", "texSubImage2D"]) replaceArgument(name, method, (given) => given.length - 1);
  }
  const copy = window.GPUQueue?.prototype.copyExternalImageToTexture;
  if (copy) {
    window.GPUQueue.prototype.copyExternalImageToTexture = function (from, ...rest) {
      return copy.call(this, { ...from, source: pictureOf(from.source) }, ...rest);
    };
  }
  const { createImageBitmap } = window;
  window.createImageBitmap = (value, ...rest) => createImageBitmap.call(window, pictureOf(value), ...rest);

  // Times. Those of an element count from its composition's beginning.
  const number = (element, name, otherwise) => {
    const value = Number.parseFloat(element.getAttribute(name) ?? "");
    return Number.isFinite(value) ? value : otherwise;
  };
  // Seconds (31 years) that stand for every longer time, so that sums and quotients of times stay numbers.
  const FAR = 1e9;
  const within = (value) => Math.min(FAR, Math.max(-FAR, value));
  // Times are numbers and nothing but, as for the page runtime: "5s" is none.
  const timeIn = (element, name) => {
    const text = element.getAttribute(name) ?? "";
    const value = text.trim() ? Number(text) : NaN;
    return Number.isFinite(value) ? within(value) : null;
  };
  const inPoint = (element, name) => {
    const value = timeIn(element, name);
    return value !== null && value >= 0 ? value : null;
  };
  const compositionOf = (element) => element.parentElement?.closest("[data-composition-id]") ?? null;
  const trimOf = (element) => inPoint(element, "data-playback-start") ?? inPoint(element, "data-media-start") ?? 0;
  const rateOf = (element) => {
    const rate = number(element, "data-playback-rate", 1);
    return rate > 0 ? Math.min(10, Math.max(0.1, rate)) : 1;
  };
  // Seconds of a media element's file that are gone by at seconds of its own time, and the way back.
  const clockIn = (element) => {
    const rate = rateOf(element);
    return lanes.rate(element) ?? { source: (time) => time * rate, time: (source) => source / rate };
  };

  // The id that a start names, and seconds to either side of its end. A text that may be an id is one, "clip-1" too.
  function referenceIn(text) {
    if (/^[A-Za-z0-9_.:-]+$/.test(text)) return { id: text, offset: 0 };
    const [, id, sign, seconds] = /^([A-Za-z0-9_.:-]+)\s*([+-])\s*(\d+(?:\.\d+)?|\.\d+)$/.exec(text) ?? [];
    return id ? { id, offset: Number(sign + seconds) } : null;
  }

  function startOf(element, seen = new Set()) {
    const text = (element.getAttribute("data-start") ?? "").trim();
    const value = Number(text);
    if (text && Number.isFinite(value)) return within(Math.max(0, value));
    const reference = referenceIn(text);
    if (!reference || seen.has(element)) return 0;
    seen.add(element);
    const named =
      document.getElementById(reference.id) ??
      document.querySelector(`[data-composition-id="${CSS.escape(reference.id)}"]`);
    if (!named) return 0;
    return within(Math.max(0, startOf(named, seen) + (lengthOf(named) ?? 0) + reference.offset));
  }

  // Seconds that an element lasts by its own account, null where it has none.
  function lengthOf(element) {
    // The page runtime puts a host's own length aside while it works out another.
    const own = timeIn(element, "data-duration") ?? timeIn(element, "data-hf-authored-duration");
    if (own !== null && own > 0) return own;
    const end = timeIn(element, "data-end") ?? timeIn(element, "data-hf-authored-end");
    if (end !== null) return Math.max(0, end - startOf(element));
    // A host lasts as long as its timeline.
    const timeline =
      element.hasAttribute("data-composition-src") || element.hasAttribute("data-composition-file")
        ? window.__timelines?.[element.getAttribute("data-composition-id")]
        : null;
    if (typeof timeline?.totalDuration === "function" && timeline.totalDuration() > 0)
      return within(timeline.totalDuration());
    const natural = element instanceof HTMLMediaElement ? states.get(element)?.facts?.duration : null;
    return natural && !element.loop ? Math.max(0, clockIn(element).time(natural - trimOf(element))) : null;
  }

  // Where and how fast a composition's own time runs in the video: local time = from + (time - start) * rate.
  function clockOf(composition) {
    const outer = composition && compositionOf(composition);
    if (!outer) return { start: 0, from: 0, rate: 1, end: Infinity };
    const around = clockOf(outer);
    const toVideo = (local) => around.start + (local - around.from) / around.rate;
    const start = startOf(composition);
    const length = lengthOf(composition);
    return {
      start: toVideo(start),
      from: trimOf(composition),
      rate: around.rate * rateOf(composition),
      end: Math.min(around.end, length === null ? Infinity : toVideo(start + length)),
    };
  }

  const clockNamed = (name) => clockOf(document.querySelector(`[data-composition-id="${CSS.escape(name)}"]`));

  // Films that say no start begin when they are first seen, as the official renderer has them: when the timeline of the
  // whole gives their scene (class "scene"), or themselves, some opacity. Seconds of the video; films of the markup only.
  // Those that have it from the beginning begin with their composition, as others do.
  const seenFrom = new Map();
  document.addEventListener(
    "DOMContentLoaded",
    () => {
      for (const element of document.querySelectorAll("video:not([data-start])")) seenFrom.set(element, 0);
    },
    { once: true },
  );
  // The official renderer's steps of looking, and how near it comes to the moment, in seconds: the film's pictures follow.
  const LOOK = 0.1;
  const NEAR = 1 / 60;
  function findStarts(duration) {
    const timeline =
      window.__timelines?.[document.querySelector("[data-composition-id]")?.getAttribute("data-composition-id")];
    for (const element of seenFrom.keys()) if (!films.has(element) || !element.isConnected) seenFrom.delete(element);
    if (typeof timeline?.totalTime !== "function") seenFrom.clear();
    if (!seenFrom.size) return;
    const sees = (element, time) => {
      timeline.totalTime(time, true);
      return Number.parseFloat(getComputedStyle(element.closest(".scene") ?? element).opacity) > 0;
    };
    const unseen = new Set(seenFrom.keys());
    for (let time = 0; unseen.size && time <= Math.min(duration, LONGEST); time += LOOK) {
      for (const element of unseen) {
        if (!sees(element, time)) continue;
        let [from, to] = [Math.max(0, time - LOOK), time];
        while (to - from > NEAR) {
          const middle = (from + to) / 2;
          if (sees(element, middle)) to = middle;
          else from = middle;
        }
        if (to > 0) seenFrom.set(element, to);
        else seenFrom.delete(element);
        unseen.delete(element);
      }
    }
    for (const element of unseen) seenFrom.delete(element);
    timeline.totalTime(0, true);
  }

  function elapsed(element, seconds) {
    if (seenFrom.has(element)) return seconds - seenFrom.get(element);
    // A moving picture begins with the clip that it stands in.
    if (element instanceof HTMLImageElement && !element.hasAttribute("data-start"))
      return elapsedInClip(element, seconds);
    if (element.getAttribute("data-hf-media-start-basis") === "global") return seconds - startOf(element);
    const clock = clockOf(compositionOf(element));
    return clock.from + (seconds - clock.start) * clock.rate - startOf(element);
  }

  // How long the clip that an element stands in, or is, is there.
  function elapsedInClip(element, seconds) {
    const clip = element.closest("[data-start]");
    return clip?.parentElement && compositionOf(clip) ? elapsed(clip, seconds) : seconds;
  }

  // The pictures that the frame at `seconds` needs: films that are seen, or whose pixels somebody reads.
  function wanted(seconds, fps) {
    const found = [];
    for (const element of films) {
      const state = stateOf(element);
      if (!state.facts?.width) continue;
      const seen = element.isConnected && element.checkVisibility({ visibilityProperty: true });
      if (!seen && !state.sampled) continue;
      const time = elapsed(element, seconds);
      if (time < 0 && !seen) continue;
      const gone = clockIn(element).source(Math.max(0, time));
      state.time = trimOf(element) + gone;
      found.push({
        id: state.id,
        file: state.facts.file,
        trim: trimOf(element),
        loop: Boolean(element.loop),
        image: element instanceof HTMLImageElement,
        index: Math.floor(gone * fps + 1e-9),
      });
    }
    return found;
  }

  async function show(pictures) {
    const byId = new Map([...films].map((element) => [stateOf(element).id, element]));
    await Promise.all(
      pictures.map(async ([id, address]) => {
        const element = byId.get(id);
        if (!element) return;
        const image = new Image();
        image.src = address;
        await image.decode().catch(() => null);
        const state = stateOf(element);
        state.image = image;
        if (element instanceof HTMLImageElement) {
          state.given = address;
          element.removeAttribute("srcset");
          element.src = address;
          await element.decode().catch(() => null);
          return;
        }
        element.setAttribute("poster", address);
        const callbacks = state.waiting.splice(0);
        for (const callback of callbacks) {
          callback(performance.now(), {
            mediaTime: state.time,
            presentedFrames: 1,
            width: state.facts.width,
            height: state.facts.height,
          });
        }
      }),
    );
  }

  // A copy of a film shows what the film shows, and is none of its own.
  function twin(film, copy) {
    const { url, given, facts, image } = stateOf(film);
    Object.assign(stateOf(copy), { url, given, facts, image });
  }

  // What is heard, for the mix: sounds, the groups that some are in, and effects on the whole. Times in seconds of the video.
  function sounds() {
    const groups = new Map();
    const clips = [...document.querySelectorAll("audio, video")].filter(isHeard).map((element) => {
      const group = groupOf(element);
      if (group && !groups.has(group.key)) groups.set(group.key, describeGroup(group));
      return { ...describeSound(element), group: group?.key ?? "" };
    });
    const root = [...document.querySelectorAll("[data-composition-id]")].find((element) => !compositionOf(element));
    return { clips, groups: [...groups.values()], chain: root?.getAttribute("data-fx-chain") ?? "" };
  }

  function isHeard(element) {
    const state = states.get(element);
    if (!state?.url || state.failed || !state.facts?.sound) return false;
    if (element.closest("[data-hidden]") || groupOf(element)?.element?.hasAttribute("data-hidden")) return false;
    // As officially, an audio element is heard also where it says muted.
    if (!(element instanceof HTMLVideoElement)) return true;
    return !element.hasAttribute("muted") && ["true", null].includes(element.getAttribute("data-has-audio"));
  }

  function describeSound(element) {
    const global = element.getAttribute("data-hf-media-start-basis") === "global";
    const clock = global ? { start: 0, from: 0, rate: 1, end: Infinity } : clockOf(compositionOf(element));
    const length = lengthOf(element);
    const start = seenFrom.get(element) ?? clock.start + (startOf(element) - clock.from) / clock.rate;
    const end = Math.min(clock.end, length === null ? Infinity : start + length / clock.rate);
    // What lies before the host's own beginning is not heard.
    const cut = Math.max(0, clock.start - start);
    return {
      file: stateOf(element).facts.file,
      name: nameOf(element),
      start: start + cut,
      duration: Number.isFinite(end) ? Math.max(0, end - start - cut) : null,
      trim: trimOf(element) + clockIn(element).source(cut * clock.rate),
      rate: rateOf(element) * clock.rate,
      loop: element.loop,
      ramp: lanes.rate(element) && length !== null ? rampOf(element, length, cut * clock.rate, clock.rate) : null,
      volume: number(element, "data-volume", 1),
      envelope: (lanes.volume(element) ?? tweened(element, length))?.map(([time, gain]) => [time - cut, gain]) ?? [],
      fadeIn: number(element, "data-fade-in", 0),
      fadeOut: number(element, "data-fade-out", 0),
      chain: element.getAttribute("data-fx-chain") ?? "",
      automation: lanes.effects(element, cut),
    };
  }
  const nameOf = (element) =>
    element.id ||
    element.getAttribute("data-composition-id") ||
    element.getAttribute("src")?.slice(0, 60) ||
    element.tagName.toLowerCase();

  // A speed that changes, as slices of one speed each: [seconds in the video, where in the file it ends] from the trim on.
  function rampOf(element, length, from, hostRate) {
    const count = Math.min(240, Math.max(1, Math.ceil((length - from) / 0.25)));
    const { source } = clockIn(element);
    const step = (length - from) / count;
    return Array.from({ length: count }, (_, slice) => [
      step / hostRate,
      source(from + step * (slice + 1)) - source(from),
    ]);
  }

  // A group needs no element: one without is a plain sum. A name used in several sub-compositions is a group in each.
  function groupOf(element) {
    const id = element.getAttribute("data-audio-group");
    if (!id) return null;
    const selector = `hf-audio-group[id="${CSS.escape(id)}"]`;
    const found = compositionOf(element)?.querySelector(selector) ?? document.querySelector(selector);
    return {
      id,
      element: found,
      key: found ? `${id} ${[...document.querySelectorAll("hf-audio-group")].indexOf(found)}` : id,
    };
  }
  function describeGroup({ id, element, key }) {
    return {
      key,
      name: id,
      volume: element ? number(element, "data-volume", 1) : 1,
      envelope: (element && lanes.volume(element)) ?? [],
      chain: element?.getAttribute("data-fx-chain") ?? "",
      automation: element ? lanes.effects(element) : "",
    };
  }

  // Volume that a timeline tweens, sampled 60 times a second; the timeline is put back afterwards.
  function tweened(element, length) {
    const composition = compositionOf(element)?.getAttribute("data-composition-id");
    const all = window.__timelines ?? {};
    const timeline = all[composition] ?? (Object.keys(all).length === 1 ? Object.values(all)[0] : null);
    if (typeof timeline?.getChildren !== "function") return null;
    const moves = timeline
      .getChildren(true, true, false)
      .some((tween) => "volume" in (tween.vars ?? {}) && tween.targets().includes(element));
    if (!moves) return null;
    const start = startOf(element);
    const seconds = Math.min(length ?? LONGEST, LONGEST, Math.max(0, timeline.totalDuration() - start));
    const before = timeline.totalTime();
    const result = [];
    // The element's own property goes to 1 at most, a gain may be more.
    let volume = number(element, "data-volume", 1);
    Object.defineProperty(element, "volume", {
      configurable: true,
      get: () => volume,
      set: (value) => {
        volume = Number(value);
      },
    });
    for (let step = 0; step <= Math.ceil(seconds * 60); step++) {
      timeline.totalTime(start + Math.min(seconds, step / 60), true);
      const point = [Math.min(seconds, step / 60), volume];
      const [one, two] = result.slice(-2);
      if (two && one[1] === two[1] && two[1] === point[1]) result[result.length - 1] = point;
      else result.push(point);
    }
    delete element.volume;
    timeline.totalTime(before, true);
    return result;
  }

  // The end of every timed element, in seconds of the video; null where it lasts to the end. Media need no start. What is
  // in a clip ends with it.
  function ends() {
    const all = [...document.querySelectorAll("[data-start], video, audio")].filter(compositionOf);
    const known = new Map();
    const endOf = (element) => {
      if (known.has(element)) return known.get(element);
      const clock = clockOf(compositionOf(element));
      const length = lengthOf(element);
      const stated = length === null ? Infinity : clock.start + (startOf(element) + length - clock.from) / clock.rate;
      const around = element.parentElement.closest("[data-start]");
      const end = Math.min(stated, clock.end, around && compositionOf(around) ? endOf(around) : Infinity);
      known.set(element, end);
      return end;
    };
    return all.map(endOf).map((end) => (Number.isFinite(end) ? end : null));
  }

  // When the clip begins that an element stands in, or is; seconds of the video.
  function startOfClip(element) {
    const clip = element.closest?.("[data-start]");
    const composition = clip && compositionOf(clip);
    if (!composition) return 0;
    const clock = clockOf(composition);
    return clock.start + (startOf(clip) - clock.from) / clock.rate;
  }

  // Every timed element as it was resolved, in seconds of the video, by track and start.
  function clips() {
    const found = [];
    for (const element of document.querySelectorAll("[data-start]")) {
      const composition = compositionOf(element);
      if (!composition) continue;
      const clock = clockOf(composition);
      const start = clock.start + (startOf(element) - clock.from) / clock.rate;
      const length = lengthOf(element);
      const end = Math.min(clock.end, length === null ? Infinity : start + length / clock.rate);
      found.push({
        name: nameOf(element),
        kind: element.hasAttribute("data-composition-id") ? "composition" : element.localName,
        composition: composition.getAttribute("data-composition-id"),
        track: Math.trunc(number(element, "data-track-index", number(element, "data-layer", 0))),
        start,
        end: Number.isFinite(end) ? end : null,
        source: element.getAttribute("data-composition-file") ?? element.getAttribute("src")?.slice(0, 120) ?? "",
      });
    }
    return found.sort((a, b) => a.track - b.track || a.start - b.start);
  }

  Object.defineProperty(window, "__hyperframesRenderMedia", {
    value: Object.freeze({
      pending: () => pending,
      wanted,
      show,
      findStarts,
      sounds,
      clips,
      ends,
      startOfClip,
      elapsedInClip,
      twin,
      clockOf: clockNamed,
    }),
  });
})();
