// The sounds that are heard in the video, the groups that contain them, and the effects on the whole mix. Times are in
// seconds of the video.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderSounds")) return;
  const clock = window.__hyperframesRenderClock;
  const lanes = window.__hyperframesRenderLanes;
  const { stateOf, knownStateOf } = window.__hyperframesRenderMediaElements;
  const playback = window.__hyperframesRenderPlayback;
  const {
    numberOf,
    nameOf,
    compositionOf,
    trimOf,
    rateOf,
    mediaClockOf,
    startOf,
    lengthOf,
    boxOf,
    clockOf,
    firstSeen,
  } = window.__hyperframesRenderTiming;
  // Seconds of the longest video. A tween that repeats without end is sampled up to it.
  const LONGEST = 4 * 3600;
  // Samples of a tweened volume, per second.
  const VOLUME_SAMPLES = 60;
  // Seconds of one slice of a changing speed, and the most slices of one sound.
  const RAMP_SLICE = 0.25;
  const MOST_RAMP_SLICES = 240;
  // Seconds: the longest time between two changes of one fade, and the length of a step of the volume.
  const LONGEST_FADE_STEP = 0.11;
  const STEP = 0.002;

  /** @typedef {{ id: string, element: Element | null, key: string }} Group */

  /** @typedef {Sound & { group: string }} GroupedSound */

  /** @type {Map<HTMLMediaElement, GroupedSound>} */
  const clips = new Map(); // that are heard, in the order of the document
  /** @type {Map<string, SoundGroup>} */
  const groups = new Map();

  // The sounds of the media elements of the document, before the first frame.
  function sounds() {
    clips.clear();
    groups.clear();
    addClips();
    return bus([...clips.values()]);
  }

  // The sounds after the page has run through the whole video: with those that scripts played.
  // Elements for which `isElsewhere` is true are not among them.
  /** @param {(element: HTMLMediaElement) => boolean} isElsewhere */
  function played(isElsewhere) {
    addClips();
    const described = [...clips].filter(([element]) => !playback.isScripted(element) && !isElsewhere(element));
    const stretches = playback.stretches().filter(({ element }) => !isElsewhere(element));
    return bus([...described.map(([, sound]) => sound), ...stretches.flatMap(describeStretch)]);
  }

  function addClips() {
    for (const element of document.querySelectorAll("audio, video")) {
      if (!(element instanceof HTMLMediaElement) || clips.has(element) || !isHeard(element)) continue;
      // An element that was added later and is not a clip is silent until a script plays it.
      if (clock.now() > 0 && !element.hasAttribute("data-start")) continue;
      clips.set(element, { ...describeSound(element), group: keyOfGroup(element) });
    }
  }

  /** @param {Element} element */
  function keyOfGroup(element) {
    const group = groupOf(element);
    if (group && !groups.has(group.key)) groups.set(group.key, describeGroup(group));
    return group?.key ?? "";
  }

  /** @param {GroupedSound[]} clips */
  function bus(clips) {
    const root = [...document.querySelectorAll("[data-composition-id]")].find((element) => !compositionOf(element));
    return { clips, groups: [...groups.values()], chain: root?.getAttribute("data-fx-chain") ?? "" };
  }

  // A stretch that a script played. One that loops from the middle of its file plays the rest of the file first.
  /** @type {(stretch: Stretch) => GroupedSound[]} */
  function describeStretch({ element, facts, start, end, from, rate, loop, levels }) {
    const until = end ?? Infinity;
    if (!facts?.sound || facts.error || until <= start) return [];
    const group = keyOfGroup(element);
    const gain = numberOf(element, "data-volume", 1);
    /** @type {(begin: number, stop: number, trim: number, repeats: boolean) => GroupedSound} */
    const part = (begin, stop, trim, repeats) => ({
      file: facts.file,
      name: nameOf(element),
      start: begin,
      duration: Number.isFinite(stop) ? stop - begin : null,
      trim,
      rate,
      loop: repeats,
      ramp: null,
      volume: gain * (levels[0]?.[1] ?? 1),
      envelope: levels.length > 1 ? envelopeOf(levels, gain, begin) : [],
      fadeIn: 0,
      fadeOut: 0,
      chain: element.getAttribute("data-fx-chain") ?? "",
      automation: lanes.effects(element),
      group,
    });
    if (!loop || from === 0 || !facts.duration) return [part(start, until, from, loop)];
    const again = start + (facts.duration - from) / rate;
    if (again >= until) return [part(start, until, from, false)];
    return [part(start, again, from, false), part(again, until, 0, true)];
  }

  // Volume changes as an envelope. Changes in quick succession are a fade; any other change is a short step.
  /** @type {(levels: Points, gain: number, start: number) => Points} */
  function envelopeOf(levels, gain, start) {
    /** @type {Points} */
    const points = [];
    for (const [time, level] of levels) {
      const last = points.at(-1);
      const at = time - start;
      if (last && at <= last[0]) points.pop();
      if (!last || at - last[0] <= LONGEST_FADE_STEP) points.push([at, level * gain]);
      else points.push([at, last[1]], [at + STEP, level * gain]);
    }
    return points;
  }

  /** @param {HTMLMediaElement} element */
  function isHeard(element) {
    const state = knownStateOf(element);
    if (!state?.url || state.failed || !state.facts?.sound) return false;
    if (element.closest("[data-hidden]") || groupOf(element)?.element?.hasAttribute("data-hidden")) return false;
    // As in the official renderer, an audio element is heard even if it is muted.
    if (!(element instanceof HTMLVideoElement)) return true;
    return !element.hasAttribute("muted") && ["true", null].includes(element.getAttribute("data-has-audio"));
  }

  /** @type {(element: HTMLMediaElement) => Sound} */
  function describeSound(element) {
    const global = element.getAttribute("data-hf-media-start-basis") === "global";
    const clock = global ? { start: 0, from: 0, rate: 1, end: Infinity } : clockOf(compositionOf(element));
    const length = lengthOf(element);
    const start = firstSeen(element) ?? clock.start + (startOf(element) - clock.from) / clock.rate;
    const box = boxOf(element);
    const boxLength = box && lengthOf(box);
    const boxEnd =
      box && boxLength !== null ? clock.start + (startOf(box) + boxLength - clock.from) / clock.rate : Infinity;
    const end = Math.min(clock.end, boxEnd, length === null ? Infinity : start + length / clock.rate);
    // The part before the start of the host is not heard.
    const cut = Math.max(0, clock.start - start);
    return {
      file: stateOf(element).facts?.file ?? "",
      name: nameOf(element),
      start: start + cut,
      duration: Number.isFinite(end) ? Math.max(0, end - start - cut) : null,
      trim: trimOf(element) + mediaClockOf(element).source(cut * clock.rate),
      rate: rateOf(element) * clock.rate,
      loop: element.loop,
      ramp: lanes.rate(element) && length !== null ? rampOf(element, length, cut * clock.rate, clock.rate) : null,
      volume: numberOf(element, "data-volume", 1),
      envelope:
        (lanes.volume(element) ?? tweenedVolume(element, length))?.map(([time, gain]) => [time - cut, gain]) ?? [],
      fadeIn: numberOf(element, "data-fade-in", 0),
      fadeOut: numberOf(element, "data-fade-out", 0),
      chain: element.getAttribute("data-fx-chain") ?? "",
      automation: lanes.effects(element, cut),
    };
  }

  // A changing speed as slices of constant speed: [seconds in the video, seconds of the file since the first slice].
  /** @type {(element: Element, length: number, from: number, hostRate: number) => Points} */
  function rampOf(element, length, from, hostRate) {
    const count = Math.min(MOST_RAMP_SLICES, Math.max(1, Math.ceil((length - from) / RAMP_SLICE)));
    const { source } = mediaClockOf(element);
    const step = (length - from) / count;
    return Array.from({ length: count }, (_, slice) => [
      step / hostRate,
      source(from + step * (slice + 1)) - source(from),
    ]);
  }

  // A group without an element is a plain sum. A name that several sub-compositions use is a separate group in each.
  /** @type {(element: Element) => Group | null} */
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

  /** @type {(group: Group) => SoundGroup} */
  function describeGroup({ id, element, key }) {
    return {
      key,
      name: id,
      volume: element ? numberOf(element, "data-volume", 1) : 1,
      envelope: (element && lanes.volume(element)) ?? [],
      chain: element?.getAttribute("data-fx-chain") ?? "",
      automation: element ? lanes.effects(element) : "",
    };
  }

  // The volume that a timeline tweens, sampled; null if none does. The timeline's time is restored afterwards.
  /** @type {(element: HTMLMediaElement, length: number | null) => Points | null} */
  function tweenedVolume(element, length) {
    const composition = compositionOf(element)?.getAttribute("data-composition-id");
    const all = window.__timelines ?? {};
    const timeline = all[String(composition)] ?? (Object.keys(all).length === 1 ? Object.values(all)[0] : null);
    if (typeof timeline?.getChildren !== "function") return null;
    const isTweened = timeline
      .getChildren(true, true, false)
      .some((tween) => "volume" in (tween.vars ?? {}) && tween.targets().includes(element));
    if (!isTweened) return null;
    const start = startOf(element);
    const seconds = Math.min(length ?? LONGEST, LONGEST, Math.max(0, timeline.totalDuration() - start));
    const before = timeline.totalTime();
    /** @type {Points} */
    const result = [];
    // The element's own volume is at most 1; a gain may be higher.
    let volume = numberOf(element, "data-volume", 1);
    Object.defineProperty(element, "volume", {
      configurable: true,
      get: () => volume,
      set: (value) => {
        volume = Number(value);
      },
    });
    for (let step = 0; step <= Math.ceil(seconds * VOLUME_SAMPLES); step++) {
      timeline.totalTime(start + Math.min(seconds, step / VOLUME_SAMPLES), true);
      /** @type {[number, number]} */
      const point = [Math.min(seconds, step / VOLUME_SAMPLES), volume];
      const [one, two] = result.slice(-2);
      if (one && two && one[1] === two[1] && two[1] === point[1]) result[result.length - 1] = point;
      else result.push(point);
    }
    // Restores the volume property of the prototype.
    delete (/** @type {{ volume?: number }} */ (element).volume);
    timeline.totalTime(before, true);
    return result;
  }

  Object.defineProperty(window, "__hyperframesRenderSounds", {
    value: Object.freeze({ sounds, played, describe: describeSound }),
  });
})();
