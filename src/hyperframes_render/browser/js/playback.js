// Media elements that scripts play. play(), pause() and the properties that change playback work by the video's time, and
// each stretch that is heard is recorded for the mix. A media element with data-start is a clip: its attributes say when it
// plays, and play() does not. Times are in seconds of the video.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderPlayback")) return;
  const clock = window.__hyperframesRenderClock;
  const timers = window.__hyperframesRenderTimers;
  const mediaElements = window.__hyperframesRenderMediaElements;
  const timing = window.__hyperframesRenderTiming;
  const { stateOf, discover, factsOf } = mediaElements;
  // The page's own timers: they follow the video's time.
  const { setTimeout, clearTimeout, queueMicrotask, Promise, Reflect } = window;
  const TIME_UPDATE = 0.25; // seconds between two timeupdate events (HTML: 15 to 250 ms)
  const MAX_STRETCHES = 2000; // of one page
  const MAX_LEVELS = 20_000; // volume changes of one stretch

  /** @type {WeakMap<Element, Player>} */
  const players = new WeakMap();
  /** @type {Stretch[]} */
  const stretches = [];
  /** @type {Set<string>} */
  const ignored = new Set(); // names of the clips whose play() was ignored
  let tooMany = false;
  let expected = false; // whether a script made a sound, or something that makes one, while the page loaded
  let started = false; // whether a script played an element after the page had loaded

  /** @type {(stretch: Stretch) => void} */
  let onPlayed = () => {};
  /** @type {(element: HTMLMediaElement) => void} */
  let onHalted = () => {};
  /** @type {(element: HTMLMediaElement, gain: number) => void} */
  let onTurned = () => {};

  const now = () => clock.now() / 1000;
  const hasBegun = () => timers.time()[1] !== null;
  /** @type {(element: Element) => boolean} */
  const isClip = (element) => element.isConnected && element.hasAttribute("data-start");
  /** @type {(element: Element, ...types: string[]) => void} */
  const fire = (element, ...types) =>
    queueMicrotask(() => types.forEach((type) => element.dispatchEvent(new Event(type))));

  /** @param {HTMLMediaElement} element */
  function playerOf(element) {
    let player = players.get(element);
    if (!player) {
      player = {
        playing: false,
        scripted: false,
        fromStart: false,
        ended: false,
        since: 0,
        from: 0,
        timer: 0,
        stretch: null,
      };
      players.set(element, player);
    }
    return player;
  }

  /** @type {(element: HTMLMediaElement) => number | null} */
  const lengthOfFile = (element) => stateOf(element).facts?.duration ?? null;
  /** @type {(element: HTMLMediaElement) => number} */
  const gainOf = (element) => (element.muted ? 0 : element.volume);

  // Seconds of the file at which the element stands.
  /** @param {HTMLMediaElement} element */
  function positionOf(element) {
    const player = playerOf(element);
    if (!player.scripted) return stateOf(element).time;
    const position = player.from + (player.playing ? (now() - player.since) * element.playbackRate : 0);
    const length = lengthOfFile(element);
    if (!length) return position;
    return element.loop ? position % length : Math.min(position, length);
  }

  // Starts playback at `position` seconds of the file. `since`: since this time of the video.
  /** @type {(element: HTMLMediaElement, position: number, since?: number) => void} */
  function begin(element, position, since = now()) {
    const player = playerOf(element);
    Object.assign(player, { playing: true, scripted: true, ended: false, from: position, since });
    stateOf(element).paused = false;
    tooMany ||= stretches.length >= MAX_STRETCHES;
    if (!tooMany && element.playbackRate > 0) {
      player.stretch = {
        element,
        url: stateOf(element).url,
        start: since,
        end: null,
        from: position,
        rate: element.playbackRate,
        loop: element.loop,
        levels: [[since, gainOf(element)]],
      };
      stretches.push(player.stretch);
      onPlayed(player.stretch);
    }
    schedule(element);
  }

  // Stops playback where it stands.
  /** @type {(element: HTMLMediaElement, at?: number) => void} */
  function halt(element, at = now()) {
    const player = playerOf(element);
    clearTimeout(player.timer);
    const from = positionOf(element);
    if (player.stretch) player.stretch.end = at;
    Object.assign(player, { playing: false, from, stretch: null });
    onHalted(element);
    stateOf(element).paused = true;
  }

  // Goes on at another position or rate.
  /** @type {(element: HTMLMediaElement, position: number) => void} */
  function restart(element, position) {
    halt(element);
    begin(element, position);
  }

  // The next event of an element that plays: timeupdate, or the end of the file.
  /** @param {HTMLMediaElement} element */
  function schedule(element) {
    const player = playerOf(element);
    clearTimeout(player.timer);
    const length = lengthOfFile(element);
    if (!player.playing || !length || !(element.playbackRate > 0)) return;
    const left = element.loop ? Infinity : (length - positionOf(element)) / element.playbackRate;
    player.timer = setTimeout(
      () => {
        if (left > TIME_UPDATE) {
          element.dispatchEvent(new Event("timeupdate"));
          schedule(element);
          return;
        }
        halt(element);
        Object.assign(player, { ended: true, from: length });
        for (const type of ["timeupdate", "pause", "ended"]) element.dispatchEvent(new Event(type));
      },
      Math.max(0, Math.min(left, TIME_UPDATE)) * 1000,
    );
  }

  // Whether the page runtime makes the call. It sets the time and the volume of every media element at each seek.
  /** @type {(caller: string) => boolean} */
  const isRuntime = (caller) => caller.includes(clock.OUR_FILES);
  /** @type {(element: HTMLMediaElement, caller: string) => boolean} */
  const isLeftToScripts = (element, caller) => isRuntime(caller) && playerOf(element).scripted;

  /** @type {Record<string, PropertyDescriptor & ThisType<HTMLMediaElement>>} */
  const properties = {
    play: {
      value() {
        const ofRuntime = isRuntime(clock.caller());
        const player = playerOf(this);
        if (ofRuntime && player.scripted) return Promise.resolve();
        discover(this);
        if (ofRuntime || isClip(this) || (!hasBegun() && this.isConnected)) {
          // An element of the document that plays from the beginning is described by its attributes.
          if (!ofRuntime && isClip(this) && hasBegun()) ignored.add(timing.nameOf(this));
          player.fromStart ||= !ofRuntime;
          stateOf(this).paused = false;
          fire(this, "play", "playing");
        } else if (!player.playing && !isRunning(this)) {
          started ||= hasBegun();
          expected ||= !hasBegun();
          begin(this, player.ended ? 0 : player.from);
          fire(this, "play", "playing");
        }
        return Promise.resolve();
      },
    },
    pause: {
      value() {
        const caller = clock.caller();
        if (isLeftToScripts(this, caller)) return;
        const { paused } = stateOf(this);
        if (!isRuntime(caller)) adopt(this);
        if (playerOf(this).playing) halt(this);
        stateOf(this).paused = true;
        if (!paused) fire(this, "timeupdate", "pause");
      },
    },
    paused: {
      get() {
        return stateOf(this).paused;
      },
    },
    ended: {
      get() {
        return playerOf(this).ended;
      },
    },
    currentTime: {
      get() {
        return positionOf(this);
      },
      set(value) {
        const time = Math.max(0, Number(value) || 0);
        const caller = clock.caller();
        if (isLeftToScripts(this, caller)) return;
        if (!isRuntime(caller)) adopt(this);
        const player = playerOf(this);
        if (time === positionOf(this)) return;
        player.ended = false;
        if (player.playing) restart(this, time);
        else if (!isRuntime(caller)) player.from = time;
        stateOf(this).time = time;
        fire(this, "seeking", "timeupdate", "seeked");
      },
    },
    fastSeek: {
      value(/** @type {number} */ time) {
        this.currentTime = time;
      },
    },
  };

  // Whether an element of the document plays since its start, without a call of play() after the page had loaded.
  /** @param {HTMLMediaElement} element */
  function isRunning(element) {
    const player = playerOf(element);
    if (player.scripted || !element.isConnected || !(player.fromStart || element.autoplay)) return false;
    const length = lengthOfFile(element);
    return element.loop || !length || timing.elapsed(element, now()) < (timing.lengthOf(element) ?? length);
  }

  // Takes over an element that plays since its start, before a script stops or moves it.
  /** @param {HTMLMediaElement} element */
  function adopt(element) {
    if (!hasBegun() || isClip(element) || !isRunning(element)) return;
    const played = timing.elapsed(element, now());
    if (played < 0) return;
    begin(element, timing.trimOf(element), now() - played);
  }

  // The browser's own property, with a call after each change by a script.
  /** @type {(name: "volume" | "muted" | "playbackRate", changed: (element: HTMLMediaElement, position: number) => void) => void} */
  function follow(name, changed) {
    const original = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, name);
    if (!original?.set || !original.get) return;
    const { get, set } = original;
    Object.defineProperty(HTMLMediaElement.prototype, name, {
      configurable: true,
      enumerable: true,
      get,
      /** @this {HTMLMediaElement} @param {unknown} value */
      set(value) {
        if (isLeftToScripts(this, clock.caller())) return;
        const position = playerOf(this).playing ? positionOf(this) : 0;
        set.call(this, value);
        if (playerOf(this).playing) changed(this, position);
      },
    });
  }
  /** @param {HTMLMediaElement} element */
  const addLevel = (element) => {
    const levels = playerOf(element).stretch?.levels;
    if (levels && levels.length < MAX_LEVELS) levels.push([now(), gainOf(element)]);
    onTurned(element, gainOf(element));
  };
  follow("volume", addLevel);
  follow("muted", addLevel);
  follow("playbackRate", restart);

  // Another file stops the element.
  /** @param {HTMLMediaElement} element */
  function empty(element) {
    const player = playerOf(element);
    if (player.playing) halt(element);
    Object.assign(player, { from: 0, ended: false });
    if (player.scripted) stateOf(element).paused = true;
  }
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
  const { load } = HTMLMediaElement.prototype;
  properties.src = {
    get: source?.get,
    set(value) {
      empty(this);
      source?.set?.call(this, value);
    },
  };
  properties.load = {
    value() {
      if (isLeftToScripts(this, clock.caller())) return;
      empty(this);
      load.call(this);
    },
  };
  for (const [name, property] of Object.entries(properties))
    Object.defineProperty(HTMLMediaElement.prototype, name, { configurable: true, ...property });

  // The facts about a file have arrived.
  mediaElements.whenReady((element) => {
    const player = playerOf(element);
    if (player.playing) {
      if (player.stretch) player.stretch.url ||= stateOf(element).url;
      schedule(element);
    } else if (element.autoplay && hasBegun() && !player.scripted && !isClip(element)) {
      started = true;
      begin(element, 0);
      fire(element, "play", "playing");
    }
  });

  // An element that a script makes loads at once, although it is not in the document.
  const { Audio } = window;
  /** @this {unknown} @param {[string?]} values */
  function PageAudio(...values) {
    expected ||= !isRuntime(clock.caller());
    const element = Reflect.construct(Audio, values, new.target === PageAudio ? Audio : (new.target ?? Audio));
    if (values.length) discover(element);
    return element;
  }
  PageAudio.prototype = Audio.prototype;
  window.Audio = /** @type {any} */ (PageAudio);

  // Whether an element that is not a clip stands in the document.
  const hasFreeElements = () => document.querySelector("audio:not([data-start]), video:not([data-start])") !== null;
  const NEW_SOUND = /\bnew\s+(?:window\.)?Audio\b|\bcreateElement\(\s*["'`](?:audio|video)\b|\bHowl\b|AudioContext\b/;
  const PLAY = /\.play\s*\(/;

  // Whether scripts may play a sound that no clip describes.
  function isExpected() {
    if (expected) return true;
    const text = [...document.scripts].map((script) => script.textContent ?? "").join("\n");
    if (NEW_SOUND.test(text)) return true;
    if (!hasFreeElements()) return false;
    const handlers = [...document.querySelectorAll("*")].some((element) =>
      [...element.attributes].some(({ name, value }) => name.startsWith("on") && PLAY.test(value)),
    );
    return handlers || PLAY.test(text);
  }

  // The position in its file, in seconds, of an element that scripts play; null for any other.
  /** @type {(element: Element) => number | null} */
  const scriptedPosition = (element) =>
    element instanceof HTMLMediaElement && players.get(element)?.scripted ? positionOf(element) : null;

  function warnings() {
    const found = [...ignored].map(
      (name) =>
        `play() of ${name} was ignored: its data-start says when it plays. Remove data-start to play it by script.`,
    );
    if (tooMany) found.push(`Scripts play more than ${MAX_STRETCHES} sounds: the others are not heard.`);
    return found;
  }

  Object.defineProperty(window, "__hyperframesRenderPlayback", {
    value: Object.freeze({
      stretches: () => stretches.map((stretch) => ({ ...stretch, facts: factsOf(stretch.url) })),
      isScripted: (/** @type {Element} */ element) => players.get(element)?.scripted ?? false,
      scriptedPosition,
      whenPlayed: (/** @type {typeof onPlayed} */ callback) => {
        onPlayed = callback;
      },
      whenHalted: (/** @type {typeof onHalted} */ callback) => {
        onHalted = callback;
      },
      whenTurned: (/** @type {typeof onTurned} */ callback) => {
        onTurned = callback;
      },
      isExpected,
      hasFreeElements,
      started: () => started,
      warnings,
    }),
  });
})();
