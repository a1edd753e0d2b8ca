// Types of the globals that the scripts of browser/js read and define.
// Times are in seconds unless a name or a comment says milliseconds.

/** Facts about a media file, as the request interceptor reports them. */
interface MediaFacts {
  /** Short name of the file. */
  file: string;
  /** Set instead of the other fields if the file cannot be used. */
  error?: string;
  duration?: number | null;
  /** Pixels; 0 for a file without video. */
  width?: number;
  height?: number;
  /** Whether the file has sound. */
  sound?: boolean;
  /** Whether an image file is animated. */
  moves?: boolean;
}

/** The state that stands for the browser's own player of one media element or animated image. */
interface MediaState {
  id: number;
  /** Absolute address of the file; "" before it is known. */
  url: string;
  /** Address that the renderer set on the element. */
  assigned?: string;
  facts: MediaFacts | null;
  failed: boolean;
  /** Value of currentTime. */
  time: number;
  paused: boolean;
  /** The current video frame. */
  image: HTMLImageElement | null;
  /** Whether a script reads the frames of the element. */
  sampled: boolean;
  /** Callbacks of requestVideoFrameCallback. */
  waiting: VideoFrameRequestCallback[];
}

/** Converts between seconds since an element's start and seconds of its media file. */
interface MediaClock {
  source(time: number): number;
  time(source: number): number;
}

/** Time of a composition in the video: local time = from + (video time - start) * rate. */
interface CompositionClock {
  start: number;
  from: number;
  rate: number;
  /** Infinity for a composition that lasts until the video's end. */
  end: number;
}

/** A media element that a script plays. Times in seconds of the video. */
interface Player {
  playing: boolean;
  /** Whether a script decides when it plays, not its attributes. */
  scripted: boolean;
  /** Whether a script called play() while the page loaded. */
  fromStart: boolean;
  ended: boolean;
  /** Start of the current playback, and the position in the file then or where it stands. */
  since: number;
  from: number;
  /** Number of the timer of its next event. */
  timer: number;
  stretch: Stretch | null;
}

/** A stretch of a file that a script plays at one rate without a jump. Times in seconds of the video. */
interface Stretch {
  element: HTMLMediaElement;
  url: string;
  start: number;
  /** Null: it plays until the file or the video ends. */
  end: number | null;
  /** Seconds into the file. */
  from: number;
  rate: number;
  loop: boolean;
  /** The facts about the file; not known while it plays. */
  facts?: MediaFacts | null;
  /** (time, gain) of each change of the volume. */
  levels: Points;
}

/** (time, value) pairs. */
type Points = [number, number][];

interface FrameRequest {
  id: number;
  file: string;
  trim: number;
  loop: boolean;
  image: boolean;
  index: number;
}

interface SoundGroup {
  key: string;
  name: string;
  volume: number;
  envelope: Points;
  chain: string;
  automation: string;
}

interface Sound {
  file: string;
  name: string;
  start: number;
  duration: number | null;
  trim: number;
  rate: number;
  loop: boolean;
  ramp: Points | null;
  volume: number;
  envelope: Points;
  fadeIn: number;
  fadeOut: number;
  chain: string;
  automation: string;
}

interface Clip {
  name: string;
  kind: string;
  composition: string | null;
  track: number;
  start: number;
  end: number | null;
  source: string;
}

/** Length of the page; `from` names what it was inferred from, "" if it was declared or is unknown. */
interface Length {
  seconds: number;
  from: "" | "clips" | "timelines" | "animations";
}

/** A timed tween, for movingSpans and stops. */
interface TweenSpan {
  targets: unknown[];
  timeline: GsapAnimation | null;
  from: number;
  to: number;
  /** Whether onUpdate is called. */
  updates: boolean;
  /** Times at which onStart or onComplete is called. */
  calls: number[];
  /** Times of tweens without a duration. */
  sets: number[];
}

interface GsapCallbacks {
  onStart?: unknown;
  onUpdate?: unknown;
  onComplete?: unknown;
  [name: string]: unknown;
}

/** The subset of gsap.core.Animation that is used here. */
interface GsapAnimation {
  vars?: GsapCallbacks;
  parent: GsapAnimation | null;
  startTime(): number;
  totalTime(): number;
  totalTime(seconds: number, suppressEvents?: boolean): unknown;
  totalDuration(): number;
  timeScale(): number;
  repeat(): number;
  delay(): number;
  paused(value: boolean): unknown;
  pause?(): unknown;
  kill?(): unknown;
}

interface GsapTween extends GsapAnimation {
  targets(): unknown[];
}

interface GsapTimeline extends GsapAnimation {
  getChildren(nested: boolean, tweens: boolean, timelines: boolean): GsapTween[];
  add(child: GsapAnimation, position: number): unknown;
  to(target: unknown, vars: object): unknown;
  fromTo(target: unknown, from: object, to: object, position?: number): unknown;
  progress(...value: number[]): unknown;
}

interface Gsap {
  timeline(vars?: object): GsapTimeline;
  registerPlugin(...plugins: unknown[]): void;
  ticker?: { frame: number; _listeners?: unknown[] };
  utils: object;
  [name: string]: unknown;
}

/** The subset of an anime.js timeline that is used here; milliseconds. */
interface AnimeTimeline {
  duration: number;
  seek(ms: number): unknown;
  began: boolean;
  pause?(): unknown;
}

/** Any other registered object that can be seeked, in seconds. */
interface SeekableTimeline {
  duration?: number | (() => number);
  seek(seconds: number): unknown;
  pause?(): unknown;
}

interface RenderClock {
  /** Sets the time in milliseconds and runs the requested animation frames. */
  moveTo(ms: number): void;
  /** Sets the time in milliseconds. */
  setTime(ms: number): void;
  /** The time in milliseconds. */
  now(): number;
  /** Whether an intersection or resize observer observes. */
  observes(): boolean;
  /** Whether a script that may keep state from frame to frame draws in animation frames. */
  keepsState(): boolean;
  /** Whether an animation frame is requested. */
  hasRequests(): boolean;
  /** The browser's own time in milliseconds. */
  realNow(): number;
  /** Objects of this name in the child frames of the same origin. */
  inner<
    K extends
      | "__hyperframesRenderAnimations"
      | "__hyperframesRenderClock"
      | "__hyperframesRenderLoading"
      | "__hyperframesRenderTimers",
  >(
    name: K,
  ): Window[K][];
  /** The line of the stack that names the caller of the function that asks. */
  caller(more?: number): string;
  /** Path prefix of the renderer's files. */
  OUR_FILES: string;
}

interface RenderTimers {
  passUntil(ms: number): Promise<void>;
  yieldTask(): Promise<void>;
  /** The browser's own setTimeout. */
  setRealTimeout(callback: () => void, ms: number): unknown;
  /** Runs the short timers that register timelines; whether there were any. */
  runSetUp(): Promise<boolean>;
  finishLoading(done: Promise<unknown>): Promise<void>;
  restart(): void;
  begin(): void;
  runUntil(ms: number): Promise<void> | void;
  waitFor(done: Promise<unknown>, first: number, longest?: number): Promise<void>;
  nextDue(): number;
  fire(ms: number): Promise<void>;
  advanceTo(ms: number, begun: number | null): void;
  /** Page time, and the page time at which the video began (null: not yet), in milliseconds. */
  time(): [number, number | null];
  next(): number;
  dueInVideo(): number;
}

interface RenderElements {
  /** Resolves at the first paint; null if no HTML is drawn into canvases. */
  ready(): Promise<void> | null;
}

interface RenderAnimations {
  /** Puts the animations that the browser runs on the page's clock, from `ms` on. */
  adopt(ms: number): void;
  /** Moves all animations to `ms`. Those that are over end. */
  advance(ms: number): void;
  /** Starts the video. `startOf` returns the start of the clip that contains an element, in seconds. */
  begin(startOf: (element: Element) => number): void;
  /** The time at which the next animation begins or ends, in milliseconds of the video. */
  nextEvent(): number;
  /** Whether the browser has events to send since the last call. */
  takeEvents(): boolean;
  seekSvg(seconds: number): void;
  /** All animations of the page and of its iframes. */
  list(): Animation[];
  /** The iframe element of this window; null if there is none. */
  element(): Element | null;
  /** The element of the document that contains an element of a shadow tree. */
  inPage(element: Element): Element;
  control: AnimationControl;
}

/** The browser's own functions of animations, with times in milliseconds. */
interface BrowserAnimations {
  play(animation: Animation): void;
  pause(animation: Animation): void;
  finish(animation: Animation): void;
  cancel(animation: Animation): void;
  state(animation: Animation): AnimationPlayState;
  /** The current time; 0 if there is none. */
  time(animation: Animation): number;
  currentTime(animation: Animation): CSSNumberish | null;
  setTime(animation: Animation, ms: CSSNumberish | null): void;
  rate(animation: Animation): number;
  setRate(animation: Animation, rate: number): void;
  startTime(animation: Animation): CSSNumberish | null;
  setStartTime(animation: Animation, ms: CSSNumberish | null): void;
}

/** What animation-api.js needs of animations.js. */
interface AnimationControl {
  browser: BrowserAnimations;
  isOnClock(animation: Animation): boolean;
  isRunning(animation: Animation): boolean;
  sync(animation: Animation): void;
  resume(animation: Animation): void;
  stop(animation: Animation): void;
  /** A script decides whether this animation runs: its style no longer does. */
  decide(animation: Animation): void;
  runFrom(animation: Animation, since: number, base: number): void;
  startOf(animation: Animation): number | null;
}

/** What an element is called in a record of `check`, and its place in the author's files: "file:line:column". */
interface ElementName {
  place: string;
  selector: string;
  text: string;
}

/** The looks of `check` at the open page. */
interface RenderLook {
  /** `shows`: "media", "text", "shapes", or "" where nothing is drawn over the background. */
  look(seconds: number): { shows: string; paints: boolean };
  verify(seconds: number): number;
  leftOver(): number;
  report(): object;
  describe(element: Element): ElementName;
  boxesOf(element: Element): DOMRect[];
  /** How much of an element is seen through the opacities around it, and the element with the least. */
  opacityOf(element: Element): { product: number; lowest: Element; least: number };
}

interface RenderLookText {
  look(visible: Element[], seconds: number): void;
  report(): object[];
  /** Whether the element is not known to be whole yet. */
  isPending(element: Element): boolean;
  cutOf(lines: DOMRect[], box: DOMRect, space: number): { side: string; pixels: number } | null;
}

interface RenderLookFonts {
  look(element: Element): void;
  report(): object[];
  firstOf(list: string): string;
}

interface RenderMarks {
  placeOf(element: Element): string;
}

interface RenderLoading {
  /** Whether a script waits for a request or an image. */
  pending(): boolean;
  /** Resolves when no script waits. */
  done(): Promise<void>;
}

interface RenderLanes {
  volume(element: Element): Points | null;
  rate(element: Element): MediaClock | null;
  effects(element: Element, from?: number): string;
}

interface RenderMediaElements {
  /** Number of files whose facts are still being fetched. */
  pending(): number;
  /** Waits until none is. */
  done(): Promise<void>;
  /** Asks for the facts about the element's file, if it has another one than before. */
  discover(element: Element): Promise<void>;
  factsOf(url: string): MediaFacts | null;
  /** Sets the function that is called when the facts about an element's file have arrived. */
  whenReady(callback: (element: HTMLMediaElement) => void): void;
  stateOf(element: Element): MediaState;
  knownStateOf(element: Element): MediaState | undefined;
  /** Video elements and animated images. */
  videos: Set<HTMLVideoElement | HTMLImageElement>;
}

interface RenderTiming {
  boxOf(element: Element): Element | null;
  numberOf(element: Element, attribute: string, fallback: number): number;
  nameOf(element: Element): string;
  compositionOf(element: Element): Element | null;
  trimOf(element: Element): number;
  rateOf(element: Element): number;
  mediaClockOf(element: Element): MediaClock;
  startOf(element: Element): number;
  lengthOf(element: Element): number | null;
  clockOf(composition: Element | null): CompositionClock;
  clockOfId(id: string): CompositionClock;
  firstSeen(element: Element): number | undefined;
  findStarts(duration: number): void;
  elapsed(element: Element, seconds: number): number;
  elapsedInClip(element: Element, seconds: number): number;
}

interface RenderVideoFrames {
  wanted(seconds: number, fps: number): FrameRequest[];
  show(images: [number, string][]): Promise<void>;
  copyState(element: Element, copy: Element): void;
}

interface RenderOutside {
  /** Keeps a sentence about something that does not follow the video's time, once. */
  add(text: string): void;
  /** The sentences since the last call; null if there are none. */
  take(): string[] | null;
}

/** An AudioContext of the page. `start`: seconds of the video; `quanta`: how far it is rendered. */
interface Context {
  context: OfflineAudioContext;
  start: number;
  output: GainNode;
  quanta: number;
  rendering: Promise<AudioBuffer> | null;
}

interface RenderWebAudio {
  /** Sets the seconds that a context can be rendered. */
  setLongest(seconds: number): void;
  /** Number of sounds that are being decoded. */
  pending(): number;
  isUsed(): boolean;
  /** Whether a context was made after the page had loaded. */
  isLate(): boolean;
  /** Whether the element's sound goes through a graph. */
  isRouted(element: HTMLMediaElement): boolean;
  begin(): Promise<void>;
  advance(seconds: number): Promise<void>;
  finish(seconds: number): Promise<{ start: number; rate: number; count: number }[]>;
  samples(index: number, from: number, to: number): string;
}

interface RenderPlayback {
  whenPlayed(callback: (stretch: Stretch) => void): void;
  whenHalted(callback: (element: HTMLMediaElement) => void): void;
  whenTurned(callback: (element: HTMLMediaElement, gain: number) => void): void;
  stretches(): Stretch[];
  isScripted(element: Element): boolean;
  scriptedPosition(element: Element): number | null;
  /** Whether scripts may play a sound that no clip describes. */
  isExpected(): boolean;
  hasFreeElements(): boolean;
  /** Whether a script played an element after the page had loaded. */
  started(): boolean;
  warnings(): string[];
}

interface RenderSounds {
  /** The sounds after the page has run through the whole video. */
  played(isElsewhere: (element: HTMLMediaElement) => boolean): ReturnType<RenderSounds["sounds"]>;
  describe(element: HTMLMediaElement): Sound;
  sounds(): { clips: (Sound & { group: string })[]; groups: SoundGroup[]; chain: string };
}

interface RenderClips {
  clips(): Clip[];
  /** Ends of all timed elements; null for an element that lasts until the video's end. */
  ends(): (number | null)[];
  startOfClip(element: Element): number;
}

interface RenderTweens {
  /** Reports what callbacks of the registered timelines throw. */
  reportCallbackErrors(): void;
  movingSpans(elementsOnly: boolean): Points | null;
  ends(): number[];
  stops(from: number, to: number, fps: number): number[];
}

interface RenderEdits {
  apply(seconds: number): void;
}

interface RenderTransitions {
  seek(seconds: number): void;
  pending(): boolean;
  running(): boolean;
  prepare(): Promise<void>;
  resolve(): void;
}

interface RenderLength {
  infer(): Length;
  registered(): (GsapTimeline | AnimeTimeline | SeekableTimeline)[];
  isGsap(timeline: object): timeline is GsapTimeline;
  isAnime(timeline: object): timeline is AnimeTimeline;
  isTimeline(timeline: object): timeline is GsapTimeline | AnimeTimeline;
}

interface RenderRootless {
  settle(): Length;
  advance(seconds: number): void;
}

interface LottiePlayer {
  totalFrames?: number;
  frameRate?: number;
  duration?: number;
}

interface Window {
  readonly __hyperframesRender: Readonly<Record<string, unknown>>;
  readonly __hyperframesRenderAnimations: RenderAnimations;
  readonly __hyperframesRenderClips: RenderClips;
  readonly __hyperframesRenderClock: RenderClock;
  readonly __hyperframesRenderEdits: RenderEdits;
  readonly __hyperframesRenderElements: RenderElements;
  readonly __hyperframesRenderLanes: RenderLanes;
  readonly __hyperframesRenderLength: RenderLength;
  readonly __hyperframesRenderLoading: RenderLoading;
  /** Only in a page that `check` opened. */
  readonly __hyperframesRenderLook: RenderLook;
  readonly __hyperframesRenderLookFonts?: RenderLookFonts;
  readonly __hyperframesRenderLookText?: RenderLookText;
  readonly __hyperframesRenderMarks?: RenderMarks;
  readonly __hyperframesRenderMediaElements: RenderMediaElements;
  readonly __hyperframesRenderOutside: RenderOutside;
  readonly __hyperframesRenderPlayback: RenderPlayback;
  readonly __hyperframesRenderWebAudio: RenderWebAudio;
  readonly __hyperframesRenderRootless?: RenderRootless;
  readonly __hyperframesRenderSounds: RenderSounds;
  readonly __hyperframesRenderTimers: RenderTimers;
  readonly __hyperframesRenderTiming: RenderTiming;
  readonly __hyperframesRenderTransitions: RenderTransitions;
  readonly __hyperframesRenderTweens: RenderTweens;
  readonly __hyperframesRenderVideoFrames: RenderVideoFrames;

  // The page's timelines, by composition id. Pages may register objects of any other kind.
  __timelines?: Record<string, GsapTimeline>;
  gsap?: Gsap;
  CustomEase?: { create(id: string, data: string): unknown };
  lottie?: { getRegisteredAnimations?(): LottiePlayer[] };

  // The page runtime.
  __player: { renderSeek(seconds: number): void; getDuration(): number };
  __renderReady?: boolean;
  __hf?: {
    seek?(seconds: number): void;
    colorGrading?: { waitForActiveLuts?(): Promise<unknown>; redraw?(): void };
  };
  __hfLottie?: LottiePlayer[];
  __hfForceTimelineRebind?(): void;
  __hfWaitForSeekCompletion?(): Promise<unknown>;
  __hfReseekGpu?(seconds: number): Promise<unknown>;
  __HF_EXPORT_RENDER_SEEK_CONFIG?: { mode: string; fps: number; fpsSource: string; owner: string };
  __HF_RENDER_CAPTURE_MODE?: boolean;

  /** The page runtime's audio effects, loaded into a page of their own. */
  __HF_AUDIO_FX: {
    render(
      channels: Float32Array[],
      rate: number,
      chain: unknown,
      automation: unknown,
      elapsed: number,
    ): Promise<Float32Array[]>;
  };
  hyperframesRenderEffects: Readonly<Record<string, unknown>>;

  // Variables of the compositions, and the page runtime's API for scripts.
  __hfVariablesByComp?: Record<string, Record<string, unknown>>;
  __hyperframes?: object;

  // HyperShader (@hyperframes/shader-transitions).
  __HF_VIRTUAL_TIME__?: object;
  __HF_PAGE_SIDE_COMPOSITING__?: boolean;
  __hf_page_composite_prepare?(): Promise<unknown>;
  __hf_page_composite_resolve?(): void;
  __hf_page_composite_pending?: boolean;

  // Constructors that the scripts keep or patch.
  Date: DateConstructor;
  Error: ErrorConstructor;
  WeakSet: WeakSetConstructor;
  Promise: PromiseConstructor;
  JSON: JSON;
  DOMMatrix: typeof DOMMatrix;
  Image: typeof Image;
  MessageChannel: typeof MessageChannel;
  MutationObserver: typeof MutationObserver;
  GPUQueue?: { prototype: { copyExternalImageToTexture(this: object, source: { source: unknown }, ...rest: unknown[]): void } };
  WebGLRenderingContext?: typeof WebGLRenderingContext;
  eval(text: string): unknown;
}
