// Runs before any script of the page: HTML that is drawn into canvases (drawElementImage and its like for WebGL and
// WebGPU). The browser draws an element as it was painted last: what callbacks of frame n draw is the element of frame
// n-1, as in the official renderer; what a canvas draws in its paint event is that of frame n.
// While a page loads nothing has been painted yet, and nothing is until the frame clock ticks. Until then such a call
// draws nothing, where it would throw, and timers of a page with such a canvas wait (timers.js): they draw once and for all.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderElements")) return;
  const { requestAnimationFrame, DOMMatrix } = window;
  const canvases = document.getElementsByTagName("canvas"); // live, so that many timers do not search a large page
  const METHODS = {
    drawElementImage: ["CanvasRenderingContext2D", "OffscreenCanvasRenderingContext2D"],
    texElementImage2D: ["WebGLRenderingContext", "WebGL2RenderingContext"],
    copyElementImageToTexture: ["GPUQueue"],
  };
  const { some } = Array.prototype;
  let painted = false;
  const drawsElements = () => some.call(canvases, (canvas) => canvas.hasAttribute("layoutsubtree"));
  const frame = () => new Promise((resolve) => requestAnimationFrame.call(window, resolve));
  // The first callback comes before the first painting, the second after it.
  const painting = new Promise((resolve) => {
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
      const prototype = window[owner]?.prototype;
      const draw = prototype?.[name];
      if (!draw) continue;
      prototype[name] = function (...values) {
        try {
          return draw.apply(this, values);
        } catch (error) {
          if (painted || error?.name !== "InvalidStateError") throw error;
          return new DOMMatrix();
        }
      };
    }
  }

  const ready = () => (drawsElements() ? painting : null);
  Object.defineProperty(window, "__hyperframesRenderElements", { value: Object.freeze({ ready }) });
})();
