// Animations where the page runtime does not look: in shadow trees, and in frames of the page's own origin. They stand
// until the renderer moves them, and count from the beginning of the clip that they are in. Transitions everywhere, which
// the runtime finds now and then: they count from the frame that set them off. Runs in every frame.
(() => {
  "use strict";
  const { document } = window;
  let top;
  try {
    top = window.top.document && window.top;
  } catch {
    return;
  } // a frame of another origin
  if (top === window && !Object.hasOwn(window, "__hyperframesRenderAnimations")) {
    Object.defineProperty(window, "__hyperframesRenderAnimations", {
      value: Object.freeze({ roots: new Map(), seek, advance, hold: holdTransitions, holdAtStart }),
    });
  }
  const { roots } = top.__hyperframesRenderAnimations;
  const begun = new Map(); // transitions, and the seconds of the video at which each was first seen: the top frame's only

  // A root's animations and, of those that scripts made, the time at which they were first seen. Kept, since the
  // browser forgets one that is over, and a later seek may go back.
  function hold(root) {
    const known = roots.get(root);
    for (const animation of root.getAnimations()) {
      const view = animation.effect?.target?.ownerDocument.defaultView;
      // Others may follow a scroll position.
      if (!view || animation instanceof view.CSSTransition || animation.timeline !== view.document.timeline) continue;
      if (!known.has(animation)) known.set(animation, animation instanceof view.CSSAnimation ? 0 : null);
      animation.pause();
    }
    return known;
  }

  function watch(root) {
    roots.set(root, new Map());
    root.addEventListener("animationstart", () => hold(root), true);
  }

  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (...given) {
    const root = attachShadow.apply(this, given);
    watch(root);
    return root;
  };
  if (top !== window) watch(document);
  else {
    // What markup declares is attached by the parser.
    document.addEventListener("DOMContentLoaded", () => {
      for (const element of document.querySelectorAll("*"))
        if (element.shadowRoot && !roots.has(element.shadowRoot)) watch(element.shadowRoot);
    });
  }

  // Where a root stands in the page itself.
  function hostOf(root) {
    for (let node = root; node; ) {
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

  // Animations that began before the first frame, too late for the page runtime to find them: they begin with the video,
  // or with the clip that they are in. The browser's own clock would end them until then.
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

  function seekEarly(seconds, elapsed) {
    for (const animation of early) {
      if (animation.playState === "idle") early.delete(animation);
      else animation.currentTime = elapsed(animation.effect.target, seconds) * 1000;
    }
  }

  // Bring transitions to where they are at `seconds`: before a seek, which may set off others from there.
  function advance(seconds) {
    for (const [transition, since] of begun) {
      const gone = Math.max(0, seconds - since) * 1000;
      if (gone >= transition.effect.getComputedTiming().endTime) transition.finish();
      else if (transition.playState === "paused") transition.currentTime = gone;
      if (transition.playState !== "paused") begun.delete(transition);
    }
  }

  // Begin with those that are new at `seconds`.
  function holdTransitions(seconds) {
    for (const root of [document, ...roots.keys()]) {
      for (const animation of root.getAnimations()) {
        const view = animation.effect?.target?.ownerDocument.defaultView;
        if (!view || !(animation instanceof view.CSSTransition) || begun.has(animation)) continue;
        animation.pause();
        begun.set(animation, seconds);
      }
    }
    advance(seconds);
  }

  // Animations that SVG declares count from the beginning of the video.
  const inSvg = ["animate", "animateMotion", "animateTransform", "set"].map((name) =>
    document.getElementsByTagName(name),
  );
  function seekSvg(seconds) {
    const pictures = new Set();
    for (const elements of inSvg) {
      for (const element of elements) {
        for (let picture = element.ownerSVGElement; picture; picture = picture.ownerSVGElement) pictures.add(picture);
      }
    }
    for (const picture of pictures) {
      picture.pauseAnimations();
      picture.setCurrentTime(seconds);
    }
  }

  // `elapsed` tells how long the clip of an element is there at `seconds`.
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
      for (const [animation, since] of hold(root)) {
        if (animation.playState === "idle") roots.get(root).delete(animation);
        else {
          if (since === null) roots.get(root).set(animation, time);
          animation.currentTime = (time - (since ?? time)) * 1000;
        }
      }
    }
  }
})();
