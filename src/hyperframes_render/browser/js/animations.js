// Animations that the page runtime does not seek: those in shadow trees, and in iframes of the page's origin. They are
// paused until the renderer seeks them, and count from the start of their clip. CSS transitions everywhere, which the
// runtime finds only sometimes: they count from the frame that started them. Runs in the page and in each of its iframes.
(() => {
  "use strict";
  const { document } = window;
  const top = topWindow();
  if (!top) return;
  if (top === window && !Object.hasOwn(window, "__hyperframesRenderAnimations")) {
    Object.defineProperty(window, "__hyperframesRenderAnimations", {
      value: Object.freeze({ roots: new Map(), seek, advance, hold: holdTransitions, holdAtStart }),
    });
  }
  const { roots } = top.__hyperframesRenderAnimations;
  /** @type {Map<Animation, number>} */
  const begun = new Map(); // transitions, and the seconds of the video at which each was found; used in the top window only

  function topWindow() {
    try {
      return window.top?.document ? window.top : null;
    } catch {
      return null; // this is an iframe of another origin
    }
  }

  // The window of the animated element; null if there is none.
  /** @param {Animation} animation */
  const viewOf = (animation) =>
    /** @type {KeyframeEffect | null} */ (animation.effect)?.target?.ownerDocument.defaultView ?? null;

  // Pauses the animations of a root and returns them with their start: 0 for a CSS animation, null for an animation that a
  // script made and that was not seeked yet. They are kept, since the browser no longer lists an animation that has ended,
  // and a later seek may go back.
  /** @param {Document | ShadowRoot} root */
  function hold(root) {
    const known = roots.get(root) ?? new Map();
    for (const animation of root.getAnimations()) {
      const view = viewOf(animation);
      // Animations of other timelines may follow a scroll position.
      if (!view || animation instanceof view.CSSTransition || animation.timeline !== view.document.timeline) continue;
      if (!known.has(animation)) known.set(animation, animation instanceof view.CSSAnimation ? 0 : null);
      animation.pause();
    }
    return known;
  }

  /** @param {Document | ShadowRoot} root */
  function watch(root) {
    roots.set(root, new Map());
    root.addEventListener("animationstart", () => hold(root), true);
  }

  const { attachShadow } = Element.prototype;
  /** @this {Element} @param {[init: ShadowRootInit]} values */
  Element.prototype.attachShadow = function (...values) {
    const root = attachShadow.apply(this, values);
    watch(root);
    return root;
  };
  if (top !== window) watch(document);
  else {
    // The parser attaches shadow roots that the markup declares.
    document.addEventListener("DOMContentLoaded", () => {
      for (const element of document.querySelectorAll("*"))
        if (element.shadowRoot && !roots.has(element.shadowRoot)) watch(element.shadowRoot);
    });
  }

  // The element of the page's own document that contains a root; null if there is none.
  /** @param {Document | ShadowRoot} root @returns {Element | null} */
  function hostOf(root) {
    /** @type {any} A document, a shadow root or an element, of any window. */
    let node = root;
    while (node) {
      if (node.host) node = node.host.getRootNode() === document ? node.host : node.host.getRootNode();
      else if (node.nodeType === Node.DOCUMENT_NODE) {
        const frame = node.defaultView?.frameElement;
        if (!frame) return null;
        node = frame.getRootNode() === document ? frame : frame.getRootNode();
      }
      if (node.nodeType === Node.ELEMENT_NODE) return node;
    }
    return null;
  }

  // Animations that began before the first frame, but too late for the page runtime to find them. They start with the video
  // or with their clip. They are paused, since the browser's own clock could end them before that.
  /** @type {Set<Animation>} */
  const early = new Set();
  function holdAtStart() {
    for (const animation of document.getAnimations()) {
      if (
        animation instanceof CSSTransition ||
        animation.playState !== "running" ||
        animation.timeline !== document.timeline
      )
        continue;
      animation.pause();
      early.add(animation);
    }
  }

  /** @type {RenderAnimations["seek"]} */
  function seekEarly(seconds, elapsed) {
    for (const animation of early) {
      if (animation.playState === "idle") early.delete(animation);
      else {
        const { target } = /** @type {KeyframeEffect} */ (animation.effect);
        animation.currentTime = elapsed(/** @type {Element} */ (target), seconds) * 1000;
      }
    }
  }

  // Moves the known transitions to `seconds`. Called before a seek, which may start other transitions from there.
  /** @param {number} seconds */
  function advance(seconds) {
    for (const [transition, since] of begun) {
      const gone = Math.max(0, seconds - since) * 1000;
      if (gone >= Number(transition.effect?.getComputedTiming().endTime)) transition.finish();
      else if (transition.playState === "paused") transition.currentTime = gone;
      if (transition.playState !== "paused") begun.delete(transition);
    }
  }

  // Pauses the transitions that started at `seconds`.
  /** @param {number} seconds */
  function holdTransitions(seconds) {
    /** @type {(Document | ShadowRoot)[]} */
    const all = [document, ...roots.keys()];
    for (const root of all) {
      for (const animation of root.getAnimations()) {
        const view = viewOf(animation);
        if (!view || !(animation instanceof view.CSSTransition) || begun.has(animation)) continue;
        animation.pause();
        begun.set(animation, seconds);
      }
    }
    advance(seconds);
  }

  // SVG animations count from the start of the video.
  const inSvg = ["animate", "animateMotion", "animateTransform", "set"].map((name) =>
    document.getElementsByTagName(name),
  );
  /** @param {number} seconds */
  function seekSvg(seconds) {
    /** @type {Set<SVGSVGElement>} */
    const roots = new Set();
    for (const elements of inSvg) {
      for (const element of elements) {
        const { ownerSVGElement } = /** @type {SVGElement} */ (element);
        for (let svg = ownerSVGElement; svg; svg = svg.ownerSVGElement) roots.add(svg);
      }
    }
    for (const svg of roots) {
      svg.pauseAnimations();
      svg.setCurrentTime(seconds);
    }
  }

  // Moves all animations to `seconds`. `elapsed` returns the seconds since the start of an element's clip.
  /** @type {RenderAnimations["seek"]} */
  function seek(seconds, elapsed) {
    seekSvg(seconds);
    seekEarly(seconds, elapsed);
    for (const root of [...roots.keys()]) {
      const host = hostOf(root);
      if (!host?.isConnected) {
        if (root.nodeType === Node.DOCUMENT_NODE) roots.delete(root);
        continue;
      }
      const time = elapsed(host, seconds);
      const known = hold(root);
      for (const [animation, since] of known) {
        if (animation.playState === "idle") known.delete(animation);
        else {
          if (since === null) known.set(animation, time);
          animation.currentTime = (time - (since ?? time)) * 1000;
        }
      }
    }
  }
})();
