// HTML that is drawn into canvases (drawElementImage, and its counterparts for WebGL and WebGPU). Runs before any script
// of the page. The browser draws an element as it was painted last: callbacks of frame n draw the element of frame n-1,
// as in the official renderer, and the paint event of a canvas draws the element of frame n.
// Nothing is painted before the frame clock ticks for the first time. Until then such a call would throw; here it draws
// nothing instead. Timers of a page with such a canvas wait for the first paint (timers.js), since they may draw only once.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderElements")) return;
  const { requestAnimationFrame, DOMMatrix } = window;
  const canvases = document.getElementsByTagName("canvas"); // a live collection: many timers must not each search a large page
  /** @type {Record<string, string[]>} */
  const METHODS = {
    drawElementImage: ["CanvasRenderingContext2D", "OffscreenCanvasRenderingContext2D"],
    texElementImage2D: ["WebGLRenderingContext", "WebGL2RenderingContext"],
    copyElementImageToTexture: ["GPUQueue"],
  };
  const { some } = Array.prototype;
  let painted = false;
  const drawsElements = () =>
    some.call(canvases, (/** @type {Element} */ canvas) => canvas.hasAttribute("layoutsubtree"));
  const frame = () => new Promise((resolve) => requestAnimationFrame.call(window, resolve));
  // The first callback runs before the first paint, the second after it.
  /** @type {Promise<void>} */
  const firstPaint = new Promise((resolve) => {
    document.addEventListener(
      "DOMContentLoaded",
      () =>
        frame()
          .then(frame)
          .then(() => {
            painted = true;
            resolve();
          }),
      { once: true },
    );
  });

  for (const [name, owners] of Object.entries(METHODS)) {
    for (const owner of owners) {
      const prototype = /** @type {any} */ (window)[owner]?.prototype; // experimental methods, unknown to the DOM types
      const draw = prototype?.[name];
      if (!draw) continue;
      /** @this {object} @param {unknown[]} values */
      prototype[name] = function (...values) {
        try {
          return draw.apply(this, values);
        } catch (error) {
          if (painted || /** @type {{ name?: string } | null} */ (error)?.name !== "InvalidStateError") throw error;
          return new DOMMatrix();
        }
      };
    }
  }

  const ready = () => (drawsElements() ? firstPaint : null);
  Object.defineProperty(window, "__hyperframesRenderElements", { value: Object.freeze({ ready }) });
})();
