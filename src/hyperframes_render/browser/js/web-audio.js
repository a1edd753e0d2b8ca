// Web Audio by the video's time. An AudioContext of the page is an OfflineAudioContext that is rendered up to the time of
// each frame before the page's scripts see that frame: sources, parameters and analysers then have the values of that time.
// Times are in seconds of the video.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderWebAudio")) return;
  const { OfflineAudioContext, Promise, fetch, btoa } = window;
  const clock = window.__hyperframesRenderClock;
  const timers = window.__hyperframesRenderTimers;
  const outside = window.__hyperframesRenderOutside;
  const playback = window.__hyperframesRenderPlayback;
  const { describe } = window.__hyperframesRenderSounds;
  const { stateOf } = window.__hyperframesRenderMediaElements;
  const { setRealTimeout } = timers;
  const { suspend, resume, startRendering, decodeAudioData } = OfflineAudioContext.prototype;
  const QUANTUM = 128; // samples that are rendered at once (Web Audio API, "render quantum size")
  const CHANNELS = 2;
  const RATE = 48_000;
  const MAX_CONTEXTS = 6; // as many as Chromium allowed a page for a long time
  const PIECE = 0x8000; // bytes that become characters in one call
  let longest = 600; // seconds that a context can be rendered: the video's length, if it is known
  let pending = 0;
  let late = false; // whether a context was made after the page had loaded

  /** @type {Context[]} */
  const contexts = [];
  /** @type {Map<HTMLMediaElement, { context: PageAudioContext, node: GainNode, player: AudioBufferSourceNode | null }>} */
  const routed = new Map(); // media elements whose sound goes through a graph

  const now = () => clock.now() / 1000;
  const hasBegun = () => timers.time()[1] !== null;

  // Counts what the next frame must wait for, and the code of the page that waits for it.
  /** @type {<T>(work: Promise<T>) => Promise<T>} */
  function count(work) {
    pending++;
    const end = () => setRealTimeout(() => pending--, 1);
    work.then(end, end);
    return work;
  }

  class PageAudioContext extends OfflineAudioContext {
    #state = "running";
    #begun = now();
    /** @type {GainNode} */
    #output;

    /** @param {AudioContextOptions} [options] */
    constructor(options) {
      const rate = options?.sampleRate ?? RATE;
      super(CHANNELS, Math.ceil(longest * rate), rate);
      this.#output = this.createGain();
      this.#output.connect(super.destination);
      Object.defineProperty(this.#output, "maxChannelCount", { value: CHANNELS });
      if (clock.caller().includes(clock.OUR_FILES)) return; // the page runtime's, which the mix stands for
      if (contexts.length >= MAX_CONTEXTS)
        outside.add(`The page makes more than ${MAX_CONTEXTS} AudioContexts: the others are silent.`);
      else contexts.push({ context: this, start: this.#begun, output: this.#output, quanta: 0, rendering: null });
      late ||= hasBegun();
    }
    /** @override */
    get destination() {
      return /** @type {any} */ (this.#output);
    }
    /** @override */
    get currentTime() {
      return Math.max(0, now() - this.#begun);
    }
    /** @override */
    get state() {
      return /** @type {any} */ (this.#state);
    }
    get baseLatency() {
      return 0;
    }
    get outputLatency() {
      return 0;
    }
    getOutputTimestamp() {
      return { contextTime: this.currentTime, performanceTime: clock.now() };
    }
    // The graph runs on; only its output is silent.
    /** @override */
    async suspend() {
      this.#change("suspended", 0);
    }
    /** @override */
    async resume() {
      this.#change("running", 1);
    }
    async close() {
      this.#change("closed", 0);
    }
    /** @type {(state: string, gain: number) => void} */
    #change(state, gain) {
      if (state === this.#state || this.#state === "closed") return;
      this.#state = state;
      this.#output.gain.setValueAtTime(gain, this.currentTime);
      this.dispatchEvent(new Event("statechange"));
    }
    /** @override @param {Parameters<BaseAudioContext["decodeAudioData"]>} values */
    decodeAudioData(...values) {
      return count(decodeAudioData.apply(this, values));
    }
    /** @param {HTMLMediaElement} element */
    createMediaElementSource(element) {
      const node = this.createGain();
      Object.defineProperty(node, "mediaElement", { value: element });
      routed.set(element, { context: this, node, player: null });
      if (hasBegun()) void connectClip(element);
      return node;
    }
    createMediaStreamDestination() {
      outside.add("A graph of the page ends in a stream (createMediaStreamDestination), which is not in the video.");
      return Object.assign(this.createGain(), { stream: new MediaStream() });
    }
    createMediaStreamSource() {
      outside.add("A graph of the page begins with a stream (createMediaStreamSource), which is silent in the video.");
      return this.createGain();
    }
  }

  // A graph may be rendered up to a few milliseconds before the present time: "now" must not be earlier.
  for (const name of ["AudioScheduledSourceNode", "AudioBufferSourceNode"]) {
    const prototype = /** @type {any} */ (window)[name].prototype;
    for (const method of ["start", "stop"]) {
      if (!Object.hasOwn(prototype, method)) continue;
      const original = prototype[method];
      /** @this {AudioNode} @param {unknown[]} values */
      prototype[method] = function (...values) {
        if (this.context instanceof PageAudioContext && (values[0] === undefined || Number(values[0]) >= 0))
          values[0] = Math.max(Number(values[0] ?? 0), this.context.currentTime);
        return original.apply(this, values);
      };
    }
  }

  // The decoded file of an element.
  /** @type {(element: HTMLMediaElement, context: PageAudioContext) => Promise<AudioBuffer | null>} */
  async function decode(element, context) {
    const { url } = stateOf(element);
    try {
      const answer = await fetch.call(window, url);
      return await decodeAudioData.call(context, await answer.arrayBuffer());
    } catch {
      outside.add(`The sound of ${element.id || url.slice(-60)} cannot be decoded for Web Audio, and is not heard.`);
      return null;
    }
  }

  // Plays an element by its attributes into the graph: from its start, with its trim, rate and volume.
  /** @param {HTMLMediaElement} element */
  async function connectClip(element) {
    const route = routed.get(element);
    if (!route || playback.isScripted(element) || !stateOf(element).facts?.sound || !element.isConnected) return;
    const { context, node } = route;
    const buffer = await count(decode(element, context));
    if (!buffer) return;
    const { start, duration, trim, rate, loop, volume, envelope } = describe(element);
    const player = new AudioBufferSourceNode(context, { buffer, loop, loopStart: trim, playbackRate: rate });
    const from = now() - context.currentTime; // the video's time at which the context began
    const at = Math.max(0, start - from);
    node.gain.setValueAtTime(envelope[0]?.[1] ?? volume, 0);
    for (const [time, gain] of envelope) node.gain.linearRampToValueAtTime(gain, Math.max(0, start + time - from));
    const skipped = Math.max(0, from - start);
    player.connect(node);
    player.start(at, trim + skipped * rate);
    if (duration !== null) player.stop(Math.max(0, start + duration - from));
    route.player = player;
  }

  // Plays a stretch that a script played into the graph.
  playback.whenPlayed(async (stretch) => {
    const { element } = stretch;
    const route = routed.get(element);
    if (!route) return;
    const { context, node } = route;
    route.player?.stop();
    const buffer = await count(decode(element, context));
    if (!buffer || stretch.end !== null) return;
    const player = new AudioBufferSourceNode(context, { buffer, loop: stretch.loop, playbackRate: stretch.rate });
    node.gain.value = stretch.levels.at(-1)?.[1] ?? 1;
    player.connect(node);
    player.start(context.currentTime, stretch.from + (now() - stretch.start) * stretch.rate);
    route.player = player;
  });
  playback.whenHalted((element) => routed.get(element)?.player?.stop());
  playback.whenTurned((element, gain) => {
    const route = routed.get(element);
    if (route) route.node.gain.value = gain;
  });

  // Before frame 0: the clips whose sound goes through a graph.
  async function begin() {
    await Promise.all([...routed.keys()].map(connectClip));
  }

  // Renders all graphs up to `seconds` of the video. Their clocks stand still until the next call.
  /** @param {number} seconds */
  async function advance(seconds) {
    for (const graph of contexts) {
      const { sampleRate, length } = graph.context;
      const quanta = Math.floor(((seconds - graph.start) * sampleRate) / QUANTUM + 1e-6);
      if (quanta <= graph.quanta || quanta * QUANTUM >= length) continue;
      graph.quanta = quanta;
      // The browser rounds down to a whole quantum: half a quantum more is safe from rounding errors.
      const stopped = suspend.call(graph.context, ((quanta + 0.5) * QUANTUM) / sampleRate);
      if (graph.rendering) resume.call(graph.context);
      else graph.rendering = startRendering.call(graph.context);
      await stopped;
    }
  }

  // Renders all graphs to their end at `seconds` of the video. Returns those that are heard: start in seconds, samples per
  // second, channels one after the other.
  /** @param {number} seconds */
  async function finish(seconds) {
    await advance(seconds);
    const heard = [];
    for (const graph of contexts) {
      graph.output.disconnect(); // silence until the end of the context is rendered fast
      if (graph.rendering) resume.call(graph.context);
      else graph.rendering = startRendering.call(graph.context);
      const buffer = await graph.rendering;
      const count = Math.max(0, Math.min(buffer.length, Math.round((seconds - graph.start) * buffer.sampleRate)));
      const channels = Array.from({ length: CHANNELS }, (_, index) => buffer.getChannelData(index).subarray(0, count));
      if (channels.some((samples) => samples.some((sample) => sample !== 0)))
        heard.push({ start: graph.start, rate: buffer.sampleRate, channels });
    }
    finished = heard;
    return heard.map(({ start, rate, channels }) => ({ start, rate, count: channels[0]?.length ?? 0 }));
  }
  /** @type {{ start: number, rate: number, channels: Float32Array[] }[]} */
  let finished = [];

  // Samples `from` to `to` of a finished graph: interleaved 16-bit little-endian, as base64.
  /** @type {(index: number, from: number, to: number) => string} */
  function samples(index, from, to) {
    const channels = finished[index]?.channels ?? [];
    const result = new Int16Array((to - from) * CHANNELS);
    channels.forEach((channel, offset) => {
      for (let i = from; i < to; i++) {
        const sample = Math.max(-1, Math.min(1, channel[i] ?? 0));
        result[(i - from) * CHANNELS + offset] = Math.round(sample * 32767);
      }
    });
    const bytes = new Uint8Array(result.buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += PIECE) text += String.fromCharCode(...bytes.subarray(i, i + PIECE));
    return btoa(text);
  }

  for (const name of ["AudioContext", "webkitAudioContext"])
    Object.defineProperty(window, name, { configurable: true, writable: true, value: PageAudioContext });
  // new MediaElementAudioSourceNode(context, options) is the same as createMediaElementSource.
  Object.defineProperty(window, "MediaElementAudioSourceNode", {
    configurable: true,
    writable: true,
    value: function MediaElementAudioSourceNode(
      /** @type {PageAudioContext} */ context,
      /** @type {{ mediaElement: HTMLMediaElement }} */ { mediaElement },
    ) {
      return context.createMediaElementSource(mediaElement);
    },
  });

  Object.defineProperty(window, "__hyperframesRenderWebAudio", {
    value: Object.freeze({
      setLongest: (/** @type {number} */ seconds) => {
        longest = seconds;
      },
      pending: () => pending,
      isUsed: () => contexts.length > 0,
      isLate: () => late,
      isRouted: (/** @type {HTMLMediaElement} */ element) => routed.has(element),
      begin,
      advance,
      finish,
      samples,
    }),
  });
})();
