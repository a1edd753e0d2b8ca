// Video, audio and animated image elements, without the browser's own player. Media elements load no files. The renderer
// reports the facts about each file (size, duration), so that a page reads sizes and durations as usual.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderMediaElements")) return;
  const { OUR_FILES } = window.__hyperframesRenderClock;
  // Addresses that the request interceptor answers with MediaFacts.
  const MEDIA = `${OUR_FILES}media?`;
  const IMAGE = `${OUR_FILES}image?`;
  const { setRealTimeout } = window.__hyperframesRenderTimers;
  const { fetch, MutationObserver, Promise } = window;
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
  if (!source?.set) return;
  const setSource = source.set;
  /** @type {WeakMap<Element, MediaState>} */
  const states = new WeakMap();
  /** @type {Set<HTMLVideoElement | HTMLImageElement>} */
  const videos = new Set(); // with the animated images
  let pending = 0;
  let nextId = 1;
  /** @type {Map<string, MediaFacts>} */
  const facts = new Map(); // by the absolute address of the file
  /** @type {(element: HTMLMediaElement) => void} */
  let onReady = () => {};

  /** @param {Element} element */
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
        element.addEventListener(type, muteEvent, true);
      }
    }
    return state;
  }

  // The browser's own loading fails on purpose. The page must not receive the events of that failure.
  /** @param {Event} event */
  const muteEvent = (event) => {
    const node = event.target;
    if (event.isTrusted && (node instanceof HTMLMediaElement || node instanceof HTMLSourceElement))
      event.stopImmediatePropagation();
  };
  for (const type of ["error", "abort", "emptied", "stalled"]) window.addEventListener(type, muteEvent, true);

  /** @param {Element} element */
  function sourceOf(element) {
    const address = element.getAttribute("src") || element.querySelector(":scope > source[src]")?.getAttribute("src");
    if (!address) return "";
    try {
      return new URL(address, document.baseURI).href;
    } catch {
      return "";
    }
  }

  // Animated images are treated as videos: the browser would play them by its own clock. The renderer is asked about files
  // that may be animated. For an image in a data: URL, the first bytes are read here.
  /** @param {string} url */
  function mayBeAnimated(url) {
    const ofProject = url.startsWith(`${document.location.origin}/`);
    if (!url.startsWith("data:"))
      return (ofProject ? /\.(gif|apng|png|webp|avif)([?#]|$)/i : /\.(gif|apng|webp|avif)([?#]|$)/i).test(url);
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

  /** @param {Element} element */
  async function discover(element) {
    const state = stateOf(element);
    const url = sourceOf(element);
    if (!url || url === state.url || url === state.assigned) return;
    const image = element instanceof HTMLImageElement;
    if (image && !mayBeAnimated(url)) return;
    Object.assign(state, { url, facts: null, failed: false, image: null });
    if (url.startsWith("data:") && element instanceof HTMLMediaElement && element.hasAttribute("src")) {
      // The browser would play a data: URL itself.
      state.assigned = new URL(MEDIA, document.baseURI).href;
      setSource.call(element, state.assigned);
    }
    if (element instanceof HTMLVideoElement) {
      videos.add(element);
      element.removeAttribute("controls");
    }
    pending++;
    try {
      const answer = await fetch((image ? IMAGE : MEDIA) + encodeURIComponent(url));
      /** @type {MediaFacts} */
      const found = await answer.json();
      facts.set(url, found);
      if (state.url !== url) return;
      if (found.error) state.failed = true;
      else state.facts = found;
      if (image) {
        if (found.moves) videos.add(element);
        else state.facts = null;
        return;
      }
      if (found.width && !element.hasAttribute("poster")) {
        // The poster gives a video its size before its first frame is shown.
        const blank = `<svg xmlns="http://www.w3.org/2000/svg" width="${found.width}" height="${found.height}"/>`;
        element.setAttribute("poster", `data:image/svg+xml,${encodeURIComponent(blank)}`);
      }
    } catch {
      state.failed = true;
    } finally {
      pending--;
    }
    if (state.url !== url) return;
    if (element instanceof HTMLMediaElement) onReady(element);
    const events = state.failed
      ? ["error"]
      : ["durationchange", "loadedmetadata", "loadeddata", "canplay", "canplaythrough"];
    for (const type of events) element.dispatchEvent(new Event(type));
  }

  // Waits until the facts about all files have arrived.
  async function done() {
    while (pending) await new Promise((resolve) => setRealTimeout(() => resolve(null), 1));
  }

  /** @param {Node} node */
  function discoverIn(node) {
    if (node instanceof HTMLMediaElement || node instanceof HTMLImageElement) discover(node);
    else if (node instanceof HTMLSourceElement && node.parentElement instanceof HTMLMediaElement)
      discover(node.parentElement);
    else if ("querySelectorAll" in node)
      /** @type {ParentNode} */ (node).querySelectorAll("video, audio, img").forEach(discover);
  }
  new MutationObserver((records) => {
    for (const record of records) {
      if (record.type === "attributes") discoverIn(record.target);
      else record.addedNodes.forEach(discoverIn);
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });

  // The properties and methods of media elements that pages use.
  /** @type {(element: Element) => TimeRanges} */
  const wholeRange = (element) => {
    const end = stateOf(element).facts?.duration ?? 0;
    return { length: end ? 1 : 0, start: () => 0, end: () => end };
  };
  /** @type {Record<string, PropertyDescriptor & ThisType<HTMLMediaElement>>} */
  const mediaProperties = {
    duration: {
      get() {
        const known = stateOf(this).facts;
        return known ? (known.duration ?? Infinity) : NaN;
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
    seeking: {
      get() {
        return false;
      },
    },
    buffered: {
      get() {
        return wholeRange(this);
      },
    },
    seekable: {
      get() {
        return wholeRange(this);
      },
    },
    load: {
      value() {
        discover(this);
      },
    },
  };
  mediaProperties.src = {
    get: source.get,
    set(value) {
      setSource.call(this, value);
      discover(this);
    },
  };
  /** @type {Record<string, PropertyDescriptor & ThisType<HTMLVideoElement>>} */
  const videoProperties = {
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
      value(/** @type {VideoFrameRequestCallback} */ callback) {
        const s = stateOf(this);
        s.sampled = true;
        s.waiting.push(callback);
        return s.waiting.length;
      },
    },
    cancelVideoFrameCallback: { value() {} },
  };
  /** @type {(prototype: object, properties: Record<string, PropertyDescriptor>) => void} */
  const define = (prototype, properties) => {
    for (const [name, property] of Object.entries(properties))
      Object.defineProperty(prototype, name, { configurable: true, ...property });
  };
  define(HTMLMediaElement.prototype, mediaProperties);
  define(HTMLVideoElement.prototype, videoProperties);

  Object.defineProperty(window, "__hyperframesRenderMediaElements", {
    value: Object.freeze({
      pending: () => pending,
      done,
      discover,
      factsOf: (/** @type {string} */ url) => facts.get(url) ?? null,
      whenReady: (/** @type {(element: HTMLMediaElement) => void} */ callback) => {
        onReady = callback;
      },
      stateOf,
      knownStateOf: (/** @type {Element} */ element) => states.get(element),
      videos,
    }),
  });
})();
