// The frames of videos and animated images. Before a frame of the render is drawn, each visible video gets its frame of
// that time as its poster: the browser lays out, fits and filters a poster like a video frame. Scripts that read a video's
// pixels (canvas, WebGL, WebGPU) get the same frame.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderVideoFrames")) return;
  const { Image, Promise } = window;
  // The browser's own: loading.js, which comes later, counts images that scripts load.
  const setSource = /** @type {(this: HTMLImageElement, address: string) => void} */ (
    Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src")?.set
  );
  const { stateOf, videos } = window.__hyperframesRenderMediaElements;
  const { elapsed, mediaClockOf, trimOf } = window.__hyperframesRenderTiming;
  const { scriptedPosition } = window.__hyperframesRenderPlayback;

  // The current frame of a video; any other value is returned as it is.
  /** @param {any} value The argument of a canvas function, of any type. */
  function frameOf(value) {
    if (!(value instanceof HTMLVideoElement)) return value;
    const state = stateOf(value);
    state.sampled = true;
    videos.add(value);
    return state.image ?? value;
  }

  /**
   * @param {string} name Global name of the class.
   * @param {string} method
   * @param {(values: unknown[]) => number} indexOf The place of the video among the arguments.
   */
  function replaceArgument(name, method, indexOf) {
    const prototype = /** @type {any} */ (window)[name]?.prototype;
    const original = prototype?.[method];
    if (typeof original !== "function") return;
    /** @this {object} @param {unknown[]} values */
    prototype[method] = function (...values) {
      const index = indexOf(values);
      if (index >= 0) values[index] = frameOf(values[index]);
      return original.apply(this, values);
    };
  }
  for (const name of ["CanvasRenderingContext2D", "OffscreenCanvasRenderingContext2D"]) {
    for (const method of ["drawImage", "createPattern"]) replaceArgument(name, method, () => 0);
  }
  for (const name of ["WebGLRenderingContext", "WebGL2RenderingContext"]) {
    for (const method of ["texImage2D", "texSubImage2D"]) replaceArgument(name, method, (values) => values.length - 1);
  }
  const copy = window.GPUQueue?.prototype.copyExternalImageToTexture;
  if (window.GPUQueue && copy) {
    /** @this {object} @param {{ source: unknown }} from @param {unknown[]} rest */
    window.GPUQueue.prototype.copyExternalImageToTexture = function (from, ...rest) {
      return copy.call(this, { ...from, source: frameOf(from.source) }, ...rest);
    };
  }
  const createImageBitmap = /** @type {(...values: unknown[]) => Promise<ImageBitmap>} */ (window.createImageBitmap);
  window.createImageBitmap = (/** @type {unknown} */ value, /** @type {unknown[]} */ ...rest) =>
    createImageBitmap.call(window, frameOf(value), ...rest);

  // The source frames that the frame at `seconds` needs: of videos that are visible or whose pixels a script reads.
  /** @type {(seconds: number, fps: number) => FrameRequest[]} */
  function wanted(seconds, fps) {
    const found = [];
    for (const element of videos) {
      const state = stateOf(element);
      if (!state.facts?.width) continue;
      const visible = element.isConnected && element.checkVisibility({ visibilityProperty: true });
      if (!visible && !state.sampled) continue;
      const position = scriptedPosition(element);
      const time = elapsed(element, seconds);
      if (position === null && time < 0 && !visible) continue;
      const trim = position === null ? trimOf(element) : 0;
      const played = position ?? mediaClockOf(element).source(Math.max(0, time));
      state.time = trim + played;
      found.push({
        id: state.id,
        file: state.facts.file,
        trim,
        loop: position === null && element instanceof HTMLVideoElement && element.loop,
        image: element instanceof HTMLImageElement,
        index: Math.floor(played * fps + 1e-9),
      });
    }
    return found;
  }

  // Shows the images, as (element number, data: URL) pairs. Resolves once they are decoded.
  /** @param {[number, string][]} images */
  async function show(images) {
    const byId = new Map([...videos].map((element) => [stateOf(element).id, element]));
    await Promise.all(
      images.map(async ([id, address]) => {
        const element = byId.get(id);
        if (!element) return;
        const image = new Image();
        setSource.call(image, address);
        await image.decode().catch(() => null);
        const state = stateOf(element);
        state.image = image;
        if (element instanceof HTMLImageElement) {
          state.assigned = address;
          element.removeAttribute("srcset");
          setSource.call(element, address);
          await element.decode().catch(() => null);
          return;
        }
        element.setAttribute("poster", address);
        const callbacks = state.waiting.splice(0);
        for (const callback of callbacks) {
          const metadata = {
            mediaTime: state.time,
            presentedFrames: 1,
            width: state.facts?.width ?? 0,
            height: state.facts?.height ?? 0,
          };
          callback(performance.now(), /** @type {VideoFrameCallbackMetadata} */ (metadata));
        }
      }),
    );
  }

  // Gives the copy of a video the same file and frame. The copy requests no frames itself.
  /** @type {(element: Element, copy: Element) => void} */
  function copyState(element, copy) {
    const { url, assigned, facts, image } = stateOf(element);
    Object.assign(stateOf(copy), { url, assigned, facts, image });
  }

  Object.defineProperty(window, "__hyperframesRenderVideoFrames", {
    value: Object.freeze({ wanted, show, copyState }),
  });
})();
