// Runs before any script of the page: scenes that pass into each other through shaders. HyperShader (the package
// @hyperframes/shader-transitions) does that by itself where a flag says that frames are captured one by one. It wraps the
// renderer's seek; after a seek into a transition it copies both scenes into canvases (prepare), and once these were
// painted it draws them with the shader into a canvas over the page (resolve).
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderTransitions")) return;
  const { setTimeout, clearTimeout, setInterval, clearInterval, requestAnimationFrame, cancelAnimationFrame, Image } =
    window;
  // Told from outside: that there is such a renderer, with the functions that follow no frame, and that it paints in between.
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
  const ownSeek = (seconds) => window.__player.renderSeek(seconds);
  window.__hf = { seek: ownSeek };

  const seek = (seconds) => (typeof window.__hf?.seek === "function" ? window.__hf.seek(seconds) : ownSeek(seconds));
  // It looks for what it wraps by a timer.
  const pending = () => typeof window.__hf_page_composite_prepare === "function" && window.__hf?.seek === ownSeek;
  const running = () => window.__hf_page_composite_pending === true;

  // Bring in copies of both scenes as they are now. Resolves when they can be painted. Chains of visual effects, which
  // the page runtime draws, have nothing to bring.
  async function prepare() {
    if (typeof window.__hf_page_composite_prepare !== "function") return;
    const brought = window.__hf_page_composite_prepare();
    const loading = [];
    for (const copy of document.querySelectorAll("canvas[layoutsubtree] > [id]")) {
      const scene = document.getElementById(copy.id);
      if (scene === copy) continue;
      // Beside the scene, where the same styles reach it as far as they can: colours and fonts are inherited.
      if (copy.parentElement.parentElement !== scene.parentElement) scene.parentElement.append(copy.parentElement);
      carryOver(scene, copy, loading);
    }
    await brought;
    await Promise.all(loading);
  }

  function loaded(address) {
    const image = new Image();
    image.src = address;
    return image.decode().catch(() => null);
  }

  function addressOf(canvas) {
    try {
      return canvas.toDataURL();
    } catch {
      return ""; // something of another origin is in it
    }
  }

  // What a copy of an element lacks: pictures of films and canvases, and how far its animations are.
  function carryOver(scene, copy, loading) {
    const [originals, elements] = [scene.querySelectorAll("*"), copy.querySelectorAll("*")];
    if (originals.length !== elements.length) return; // of another scene
    const copies = new Map([[scene, copy]]);
    originals.forEach((element, place) => copies.set(element, elements[place]));
    for (const [element, twin] of copies) {
      if (element instanceof HTMLVideoElement || element instanceof HTMLImageElement) {
        window.__hyperframesRenderVideoFrames.copyState(element, twin);
        loading.push(loaded(element.poster ?? element.currentSrc));
      } else if (element instanceof HTMLCanvasElement && element.width && element.height) {
        // The browser leaves out the picture of a canvas in a canvas, its background it does not.
        const address = addressOf(element);
        twin.style.background = `url(${address}) 0 0 / 100% 100% no-repeat content-box`;
        loading.push(loaded(address));
      }
    }
    const running = scene.getAnimations({ subtree: true });
    const known = new Set();
    for (const animation of running) {
      const { target, pseudoElement } = animation.effect;
      const twin = animationOf(animation, copies.get(target), pseudoElement);
      known.add(twin);
      twin.pause();
      twin.currentTime = animation.currentTime;
    }
    // Those that are over in the scene, and would begin anew.
    for (const animation of copy.getAnimations({ subtree: true })) if (!known.has(animation)) animation.cancel();
  }

  function animationOf(animation, element, pseudoElement) {
    const declared = element
      .getAnimations({ subtree: true })
      .find(
        (other) =>
          animation.animationName &&
          other.animationName === animation.animationName &&
          other.effect.target === element &&
          other.effect.pseudoElement === pseudoElement,
      );
    return (
      declared ?? element.animate(animation.effect.getKeyframes(), { ...animation.effect.getTiming(), pseudoElement })
    );
  }

  const resolve = () => {
    window.__hf_page_composite_resolve?.();
  };
  Object.defineProperty(window, "__hyperframesRenderTransitions", {
    value: Object.freeze({ seek, pending, running, prepare, resolve }),
  });
})();
