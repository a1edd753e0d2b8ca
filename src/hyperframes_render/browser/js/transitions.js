// Shader transitions between scenes. Runs before any script of the page. HyperShader (the package
// @hyperframes/shader-transitions) draws them if a flag says that frames are captured one by one. It wraps the renderer's
// seek. After a seek into a transition it copies both scenes into canvases (prepare). Once these are painted, it draws
// them with the shader into a canvas over the page (resolve).
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderTransitions")) return;
  const { setTimeout, clearTimeout, setInterval, clearInterval, requestAnimationFrame, cancelAnimationFrame, Image } =
    window;
  // HyperShader reads these: a renderer is present, with timer functions that do not follow the frames, and it paints between
  // prepare and resolve.
  window.__HF_VIRTUAL_TIME__ = {
    originalSetTimeout: setTimeout.bind(window),
    originalClearTimeout: clearTimeout.bind(window),
    originalSetInterval: setInterval.bind(window),
    originalClearInterval: clearInterval.bind(window),
    originalRequestAnimationFrame: requestAnimationFrame.bind(window),
    originalCancelAnimationFrame: cancelAnimationFrame.bind(window),
    getTime: () => window.performance.now(),
  };
  window.__HF_PAGE_SIDE_COMPOSITING__ = true;
  const ownSeek = (/** @type {number} */ seconds) => window.__player.renderSeek(seconds);
  window.__hf = { seek: ownSeek };

  const seek = (/** @type {number} */ seconds) =>
    typeof window.__hf?.seek === "function" ? window.__hf.seek(seconds) : ownSeek(seconds);
  // HyperShader looks for the seek function by a timer: until it has wrapped it, a transition would be missed.
  const pending = () => typeof window.__hf_page_composite_prepare === "function" && window.__hf?.seek === ownSeek;
  const running = () => window.__hf_page_composite_pending === true;

  // Copies both scenes into canvases as they are now. Resolves when the copies can be painted. Visual effect chains, which
  // the page runtime draws, need no copies.
  async function prepare() {
    if (typeof window.__hf_page_composite_prepare !== "function") return;
    const prepared = window.__hf_page_composite_prepare();
    /** @type {Promise<unknown>[]} */
    const loading = [];
    for (const copy of document.querySelectorAll("canvas[layoutsubtree] > [id]")) {
      const scene = document.getElementById(copy.id);
      const canvas = copy.parentElement;
      if (!scene || !canvas || scene === copy) continue;
      // Move the canvas next to the scene, so that the copy inherits the same styles, such as colours and fonts.
      if (canvas.parentElement !== scene.parentElement) scene.parentElement?.append(canvas);
      carryOver(scene, copy, loading);
    }
    await prepared;
    await Promise.all(loading);
  }

  /** @param {string} address */
  function loaded(address) {
    const image = new Image();
    image.src = address;
    return image.decode().catch(() => null);
  }

  /** @param {HTMLCanvasElement} canvas */
  function addressOf(canvas) {
    try {
      return canvas.toDataURL();
    } catch {
      return ""; // it contains content of another origin
    }
  }

  // Transfers the state that a copy of an element lacks: the frames of videos and canvases, and the times of animations.
  /** @type {(scene: Element, copy: Element, loading: Promise<unknown>[]) => void} */
  function carryOver(scene, copy, loading) {
    const [originals, elements] = [scene.querySelectorAll("*"), copy.querySelectorAll("*")];
    if (originals.length !== elements.length) return; // the copy is of another scene
    /** @type {Map<Element | null, Element>} */
    const copies = new Map([[scene, copy]]);
    originals.forEach((element, index) => copies.set(element, /** @type {Element} */ (elements[index])));
    for (const [element, counterpart] of copies) {
      if (element instanceof HTMLVideoElement || element instanceof HTMLImageElement) {
        window.__hyperframesRenderVideoFrames.copyState(element, counterpart);
        loading.push(loaded(element instanceof HTMLVideoElement ? element.poster : element.currentSrc));
      } else if (
        element instanceof HTMLCanvasElement &&
        counterpart instanceof HTMLElement &&
        element.width &&
        element.height
      ) {
        // The browser does not draw the content of a canvas inside a canvas, but it draws the background.
        const address = addressOf(element);
        counterpart.style.background = `url(${address}) 0 0 / 100% 100% no-repeat content-box`;
        loading.push(loaded(address));
      }
    }
    const running = scene.getAnimations({ subtree: true });
    const known = new Set();
    for (const animation of running) {
      const effect = /** @type {KeyframeEffect} */ (animation.effect);
      const target = /** @type {Element} */ (copies.get(effect.target));
      const counterpart = animationOf(animation, target, effect);
      known.add(counterpart);
      counterpart.pause();
      counterpart.currentTime = animation.currentTime;
    }
    // Cancel the animations that have ended in the scene: in the copy they would start again.
    for (const animation of copy.getAnimations({ subtree: true })) if (!known.has(animation)) animation.cancel();
  }

  // The animation of the copy `element` that corresponds to an animation of the scene. It is created if there is none.
  /** @type {(animation: Animation, element: Element, effect: KeyframeEffect) => Animation} */
  function animationOf(animation, element, effect) {
    const { pseudoElement } = effect;
    const name = nameOf(animation);
    const declared = element
      .getAnimations({ subtree: true })
      .find(
        (other) =>
          name &&
          nameOf(other) === name &&
          /** @type {KeyframeEffect} */ (other.effect).target === element &&
          /** @type {KeyframeEffect} */ (other.effect).pseudoElement === pseudoElement,
      );
    return (
      declared ??
      element.animate(
        effect.getKeyframes(),
        /** @type {KeyframeAnimationOptions} */ ({ ...effect.getTiming(), pseudoElement }),
      )
    );
  }

  // The name of a CSS animation; undefined for any other animation.
  const nameOf = (/** @type {Animation} */ animation) => /** @type {Partial<CSSAnimation>} */ (animation).animationName;

  const resolve = () => {
    window.__hf_page_composite_resolve?.();
  };
  Object.defineProperty(window, "__hyperframesRenderTransitions", {
    value: Object.freeze({ seek, pending, running, prepare, resolve }),
  });
})();
