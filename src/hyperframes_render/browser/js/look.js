// For `check`, put into the open page: looks at the page after each seek, and notes which elements with content of their
// own were seen, and why the others were not. look-text.js notes texts that are cut.
(() => {
  "use strict";
  const clips = window.__hyperframesRenderClips;
  const marks = window.__hyperframesRenderMarks;
  const { compositionOf, nameOf, trimOf } = window.__hyperframesRenderTiming;
  const { stateOf } = window.__hyperframesRenderMediaElements;
  const MEDIA = "img, video, canvas, svg, iframe, object, embed";
  const TIMED = "[data-start], video, audio";
  const NOT_SHOWN =
    "script, style, noscript, template, title, desc, defs, datalist, option, head, [hidden], [data-hidden]";
  const FAINT = 0.02; // the opacity below which nothing is seen
  const SOLID = 0.98; // the opacity above which nothing shines through
  const SMALL = 1.5; // pixels: what is smaller hides text for screen readers
  const SAME = 6; // of 255: colours that differ by less look the same
  const MARGIN = 0.05; // seconds at a clip's ends at which it may be hidden: a frame at 24 per second
  const MOST_RECTS = 4; // boxes of a text in which is looked for it
  const MOST_RECORDS = 40;
  const MOST_SEARCHED = 500_000; // elements of the page for each one that is searched at its points, in all looks
  const LARGE = 0.25; // of the frame

  /** @typedef {{ why: string, cause: Element, by?: Element }} Unseen */
  /** @typedef {{ seen: boolean, looks: number, reasons: Map<Element, { unseen: Unseen, looks: number }>, from: number, to: number }} Notes */

  /** @type {Map<Element, Notes>} */
  const notes = new Map();
  /** @type {Map<Element, { looks: number, shown: boolean, from: number, to: number }>} */
  const clipNotes = new Map();
  /** @type {WeakMap<Element, [number, number]>} */
  const windows = new WeakMap();
  /** @type {Map<Element, number | null>} */
  const endOf = new Map();
  /** @type {Map<Element, ReturnType<RenderLook["opacityOf"]>>} */
  const opacities = new Map(); // at the present look
  /** @type {WeakMap<Element, boolean>} */
  const hasPicture = new WeakMap();

  // Finds the ends of all timed elements; again, where scripts made more.
  function findEnds() {
    const timed = [...document.querySelectorAll(TIMED)].filter(compositionOf);
    if (timed.every((element) => endOf.has(element))) return;
    const ends = clips.ends();
    timed.forEach((element, index) => endOf.set(element, ends[index]));
  }

  // The seconds of the video in which an element is on, by the clips around it.
  /** @type {(element: Element) => [number, number]} */
  function windowOf(element) {
    const known = windows.get(element);
    if (known) return known;
    const clip = element.closest(TIMED);
    /** @type {[number, number]} */
    let found = [0, Infinity];
    if (clip && endOf.has(clip)) {
      const outer = clip.parentElement ? windowOf(clip.parentElement) : [0, Infinity];
      found = [Math.max(outer[0], clips.startOfClip(clip)), Math.min(outer[1], endOf.get(clip) ?? Infinity)];
    }
    windows.set(element, found);
    return found;
  }

  /** @type {(element: Element, seconds: number) => boolean} */
  const isOn = (element, seconds) => {
    const [start, end] = windowOf(element);
    return seconds >= start + (start > 0 ? MARGIN : 0) && seconds <= end - MARGIN;
  };

  /** @type {(element: Element) => Text[]} */
  const textsOf = (element) =>
    /** @type {Text[]} */ ([...element.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE && n.nodeValue?.trim()));

  /** @type {(element: Element) => boolean} */
  function isPicture(element) {
    let found = hasPicture.get(element);
    if (found === undefined) {
      found = getComputedStyle(element).backgroundImage.includes("url(");
      hasPicture.set(element, found);
    }
    return found;
  }

  // Whether an element shows something of its own.
  /** @type {(element: Element) => boolean} */
  function isContent(element) {
    const inSvg = element instanceof SVGElement && element.ownerSVGElement;
    const own = inSvg
      ? element.localName === "text" && Boolean(element.textContent?.trim())
      : element.matches(MEDIA) || textsOf(element).length > 0 || isPicture(element);
    return own && !element.closest(NOT_SHOWN);
  }

  // Elements that show something of their own, in the order of the document.
  const contents = () => [...document.body.querySelectorAll("*")].filter(isContent);

  // The boxes in which the content of an element is drawn.
  /** @type {(element: Element) => DOMRect[]} */
  function boxesOf(element) {
    const texts = element instanceof SVGElement ? [] : textsOf(element);
    const rects = texts.length
      ? texts.flatMap((text) => {
          const range = document.createRange();
          range.selectNodeContents(text);
          return [...range.getClientRects()];
        })
      : [element.getBoundingClientRect()];
    return rects.filter((rect) => rect.width > SMALL && rect.height > SMALL);
  }

  /** @type {(rect: DOMRect) => boolean} */
  const inFrame = (rect) =>
    rect.right > 0 && rect.bottom > 0 && rect.left < window.innerWidth && rect.top < window.innerHeight;

  // The element around which makes `is` true of all within; the outermost.
  /** @type {(element: Element, is: (style: CSSStyleDeclaration) => boolean) => Element} */
  function outermost(element, is) {
    let found = element;
    for (let e = /** @type {Element | null} */ (element); e; e = e.parentElement)
      if (is(getComputedStyle(e))) found = e;
    return found;
  }

  // How much of an element is seen through the opacities around it, and the element with the lowest.
  /** @type {RenderLook["opacityOf"]} */
  function opacityOf(element) {
    const known = opacities.get(element);
    if (known) return known;
    const opacity = Number(getComputedStyle(element).opacity);
    const around = element.parentElement ? opacityOf(element.parentElement) : { product: 1, lowest: element, least: 1 };
    const isLowest = opacity < around.least;
    const found = {
      product: around.product * opacity,
      lowest: isLowest ? element : around.lowest,
      least: Math.min(opacity, around.least),
    };
    opacities.set(element, found);
    return found;
  }

  // Why nothing of an element can be seen, by its own boxes and styles; null if it may be seen.
  /** @type {(element: Element) => Unseen | null} */
  function hidden(element) {
    if (!element.checkVisibility())
      return { why: "display", cause: outermost(element, (style) => style.display === "none") };
    if (getComputedStyle(element).visibility !== "visible")
      return { why: "visibility", cause: outermost(element, (style) => style.visibility !== "visible") };
    const { product, lowest } = opacityOf(element);
    if (product < FAINT) return { why: "opacity", cause: lowest };
    const boxes = boxesOf(element);
    if (!boxes.length) return { why: "size", cause: element };
    if (!boxes.some(inFrame)) return { why: "frame", cause: element };
    return null;
  }

  /** @type {(color: string) => [number, number, number, number] | null} */
  function rgba(color) {
    const found = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(color);
    if (!found) return null;
    return [Number(found[1]), Number(found[2]), Number(found[3]), Number(found[4] ?? 1)];
  }

  // Whether nothing shines through an element, wherever it is hit.
  /** @type {(element: Element) => boolean} */
  function isSolid(element) {
    if (element === document.body || element === document.documentElement) return false;
    const style = getComputedStyle(element);
    const file = element.getAttribute("src") ?? "";
    const filled =
      rgba(style.backgroundColor)?.[3] === 1 ||
      (element instanceof HTMLImageElement && element.naturalWidth > 0 && /\.jpe?g\b/i.test(file)) ||
      (element instanceof HTMLVideoElement && element.hasAttribute("poster") && /\.mp4\b/i.test(file));
    if (!filled || style.backgroundClip === "text" || opacityOf(element).product < SOLID) return false;
    for (let e = /** @type {Element | null} */ (element); e; e = e.parentElement) {
      const { maskImage, mixBlendMode, filter } = getComputedStyle(e);
      if (maskImage !== "none" || mixBlendMode !== "normal" || filter.includes("opacity")) return false;
    }
    return true;
  }

  // The points of an element's boxes at which is looked for it.
  /** @type {(element: Element) => [number, number][]} */
  function pointsOf(element) {
    /** @type {[number, number][]} */
    const points = [];
    for (const rect of boxesOf(element).filter(inFrame).slice(0, MOST_RECTS)) {
      const [left, top] = [Math.max(rect.left, 0), Math.max(rect.top, 0)];
      const [right, bottom] = [Math.min(rect.right, window.innerWidth), Math.min(rect.bottom, window.innerHeight)];
      for (const x of [0.1, 0.5, 0.9])
        for (const y of [0.1, 0.5, 0.9]) points.push([left + (right - left) * x, top + (bottom - top) * y]);
    }
    return points;
  }

  // Why an element that is in the frame is not seen: at each of its points something solid lies over it.
  /** @type {(element: Element) => Unseen | null} */
  function covered(element) {
    /** @type {Element | null} */
    let cover = null;
    for (const [x, y] of pointsOf(element)) {
      const stack = document.elementsFromPoint(x, y);
      const at = stack.findIndex((e) => e === element || element.contains(e));
      if (at < 0) {
        if (!isClipped(element)) return null;
        continue;
      }
      const over = stack.slice(0, at).find(isSolid);
      if (!over || isStacked(element, over)) return null;
      cover ??= over;
    }
    if (cover) return { why: "covered", cause: element, by: cover };
    const clip = isClipped(element);
    return clip ? { why: "clipped", cause: element, by: clip } : null;
  }

  // Whether what lies over an element is one of a stack of like elements, to which its own belongs.
  /** @type {(element: Element, over: Element) => boolean} */
  function isStacked(element, over) {
    for (let e = /** @type {Element | null} */ (element); e; e = e.parentElement)
      if (e.parentElement === over.parentElement)
        return (
          e !== over && e.className !== "" && e.localName === over.localName && e.classList[0] === over.classList[0]
        );
    return false;
  }

  // The element around whose box cuts off all of this one; null if there is none.
  /** @type {(element: Element) => Element | null} */
  function isClipped(element) {
    const boxes = boxesOf(element);
    let { position } = getComputedStyle(element);
    for (let e = element.parentElement; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      const holds = position !== "absolute" || style.position !== "static" || style.transform !== "none";
      if (position === "fixed") return null;
      if (!holds) continue;
      position = style.position;
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const around = e.getBoundingClientRect();
      const meets = (/** @type {DOMRect} */ rect) =>
        rect.right > around.left && rect.left < around.right && rect.bottom > around.top && rect.top < around.bottom;
      if (!boxes.some(meets)) return e;
    }
    return null;
  }

  const hasPseudo = (/** @type {Element} */ element) =>
    ["::before", "::after"].some((name) => getComputedStyle(element, name).content !== "none");

  // Whether a text has the colour of the plain ground under it.
  /** @type {(element: Element) => Unseen | null} */
  function sameColour(element) {
    if (element instanceof SVGElement || !textsOf(element).length) return null;
    const style = getComputedStyle(element);
    const ink = rgba(style.webkitTextFillColor);
    const plain =
      ink?.[3] === 1 &&
      style.textShadow === "none" &&
      style.webkitTextStrokeWidth === "0px" &&
      style.backgroundClip !== "text" &&
      style.textDecorationLine === "none";
    if (!ink || !plain) return null;
    for (const [x, y] of pointsOf(element)) {
      const stack = document.elementsFromPoint(x, y);
      const at = stack.indexOf(element);
      const ground = at < 0 ? null : groundOf(stack.slice(at));
      if (!ground || [0, 1, 2].some((index) => Math.abs(ground[index] - ink[index]) > SAME)) return null;
    }
    return { why: "colour", cause: element };
  }

  // The plain colour that the elements of a stack show; null if it is not plain.
  /** @type {(stack: Element[]) => number[] | null} */
  function groundOf(stack) {
    for (const element of stack) {
      const style = getComputedStyle(element);
      const opacity = Number(style.opacity);
      const plain = style.backgroundImage === "none" && style.filter === "none" && style.mixBlendMode === "normal";
      if (!plain || opacity < 1 || element.matches(MEDIA) || element instanceof SVGElement || hasPseudo(element))
        return null;
      const color = rgba(style.backgroundColor);
      if (!color || (color[3] > 0 && color[3] < 1)) return null;
      if (color[3] === 1) return color;
    }
    return [255, 255, 255];
  }

  // Whether an element is there for scripts: a source of pixels, or not loaded, which is reported elsewhere.
  /** @type {(element: Element) => boolean} */
  function isHelper(element) {
    if (element instanceof HTMLImageElement && !element.naturalWidth) return true;
    if (element instanceof HTMLVideoElement && (!stateOf(element).facts?.width || stateOf(element).sampled))
      return true;
    if (element instanceof HTMLCanvasElement && [...document.querySelectorAll("video")].some((e) => stateOf(e).sampled))
      return true;
    return element.matches("img, video, canvas") && [...document.querySelectorAll("canvas")].some((e) => e !== element);
  }

  // Whether a tween that no timeline of the video has still moves an element: it runs by itself, and slower than usual
  // where a look jumps over frames.
  /** @type {(element: Element) => boolean} */
  function isLoose(element) {
    const tweensOf = /** @type {((target: unknown) => GsapTween[]) | undefined} */ (window.gsap?.getTweensOf);
    if (typeof tweensOf !== "function") return false;
    const known = new Set(/** @type {GsapAnimation[]} */ (Object.values(window.__timelines ?? {})));
    return tweensOf(element).some((tween) => {
      let top = /** @type {GsapAnimation} */ (tween);
      for (; top.parent && !known.has(top); top = top.parent);
      return !known.has(top) && tween.totalTime() < tween.totalDuration();
    });
  }

  const everywhere = new CSSStyleSheet();
  everywhere.replaceSync("*{pointer-events:auto!important}");

  // Runs `work` while every element can be hit. No script of the page can see that.
  /** @param {() => void} work */
  function withHits(work) {
    const before = document.adoptedStyleSheets;
    document.adoptedStyleSheets = [...before, everywhere];
    work();
    document.adoptedStyleSheets = before;
  }

  // To search a point costs time for each element of the page. Once all is spent, elements in the frame count as seen.
  let left = MOST_SEARCHED;

  /** @type {(element: Element) => Unseen | null} */
  function hiddenByOthers(element) {
    left -= document.body.getElementsByTagName("*").length;
    return left > 0 ? (covered(element) ?? sameColour(element)) : null;
  }

  /** @type {(element: Element, seconds: number, unseen: Unseen | null) => void} */
  function note(element, seconds, unseen) {
    const known = notes.get(element) ?? { seen: false, looks: 0, reasons: new Map(), from: seconds, to: seconds };
    notes.set(element, known);
    known.looks++;
    known.to = Math.max(known.to, seconds);
    known.seen ||= !unseen;
    if (!unseen) return;
    const reason = known.reasons.get(unseen.cause) ?? { unseen, looks: 0 };
    reason.looks++;
    known.reasons.set(unseen.cause, reason);
  }

  // The reason that holds at most looks: a scene that fades out hides all that is in it, too.
  /** @type {(known: Notes) => Unseen | null} */
  const mainReason = ({ reasons }) => [...reasons.values()].sort((a, b) => b.looks - a.looks)[0]?.unseen ?? null;

  // The reason, with the element itself as its cause where something else in the cause is seen.
  /** @type {(unseen: Unseen | null, element: Element) => Unseen | null} */
  function ofElement(unseen, element) {
    if (!unseen || unseen.cause === element) return unseen;
    const shows = [...notes].some(([other, { seen }]) => seen && unseen.cause.contains(other));
    return shows ? { ...unseen, cause: element } : unseen;
  }

  const textOf = (/** @type {Element} */ element) => element.textContent?.trim() ?? "";

  // The elements that were not seen, without those whose text is seen elsewhere: they take the place for another one, or
  // are its pieces.
  /** @returns {[Element, Notes][]} */
  function unseenOnes() {
    const texts = new Set([...notes].filter(([, { seen }]) => seen).map(([element]) => textOf(element)));
    texts.delete("");
    return [...notes].filter(([element, { seen }]) => !seen && element.isConnected && !texts.has(textOf(element)));
  }

  // Whether an element is painted: a box of a colour, a border, a shadow, a gradient.
  /** @type {(element: Element) => boolean} */
  function isPainted(element) {
    const style = getComputedStyle(element);
    return (
      (rgba(style.backgroundColor)?.[3] ?? 1) > 0 ||
      style.backgroundImage !== "none" ||
      style.boxShadow !== "none" ||
      (style.borderStyle !== "none" && style.borderWidth !== "0px") ||
      hasPseudo(element)
    );
  }

  /** @type {(element: Element) => boolean} */
  const fillsFrame = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return left <= 0 && top <= 0 && right >= window.innerWidth && bottom >= window.innerHeight;
  };

  // Whether something besides the background is drawn: a painted box that does not fill the frame, or a clip of colour.
  function showsShapes() {
    for (const element of document.body.querySelectorAll("*")) {
      if (element.closest(NOT_SHOWN) || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
        continue;
      const isCard = element.matches("[data-start]:not([data-composition-id])") && !element.childElementCount;
      if ((isCard || !fillsFrame(element)) && isPainted(element) && !hidden(element)) return true;
    }
    return false;
  }

  const isLookedAt = (/** @type {Element} */ clip, /** @type {number} */ seconds) =>
    isOn(clip, seconds) &&
    compositionOf(clip) !== null &&
    !clip.matches("audio, video, img, [data-hidden]") &&
    !clip.querySelector("audio, video");

  // Which clips show something.
  /** @param {number} seconds */
  function lookAtClips(seconds) {
    for (const clip of document.querySelectorAll("[data-start]")) {
      const known = clipNotes.get(clip) ?? { looks: 0, shown: false, from: seconds, to: seconds };
      if (known.shown || !isLookedAt(clip, seconds)) continue;
      clipNotes.set(clip, known);
      known.looks++;
      known.to = Math.max(known.to, seconds);
      known.shown = [clip, ...clip.querySelectorAll("*")].some(
        (element) => (isContent(element) || isPainted(element)) && !hidden(element),
      );
    }
  }

  // The kind of what is drawn over the background.
  /** @type {(visible: Element[]) => string} */
  function whatShows(visible) {
    if (visible.some((element) => element.matches(MEDIA) || isPicture(element))) return "media";
    return visible.length ? "text" : showsShapes() ? "shapes" : "";
  }

  // Whether a canvas takes a large part of the frame. What scripts draw with WebGL is only computed when the frame is drawn.
  const hasLargeCanvas = () =>
    [...document.querySelectorAll("canvas")].some((canvas) => {
      const { width, height } = canvas.getBoundingClientRect();
      return width * height > LARGE * window.innerWidth * window.innerHeight;
    });

  // Looks at the page, which stands at `seconds`. Says what is drawn over the background.
  /** @param {number} seconds */
  function look(seconds) {
    findEnds();
    opacities.clear();
    const isPending = window.__hyperframesRenderLookText?.isPending;
    /** @type {Set<Element>} */
    const visible = new Set();
    /** @type {Element[]} */
    const doubtful = [];
    for (const element of contents()) {
      const known = notes.get(element);
      if (known?.seen) {
        if (visible.size && !isPending?.(element)) continue; // it tells nothing new
        if (element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !hidden(element))
          visible.add(element);
        continue;
      }
      const unseen = hidden(element);
      if (!unseen) visible.add(element);
      if (isHelper(element) || !isOn(element, seconds)) continue;
      if (unseen) note(element, seconds, isLoose(unseen.cause) ? null : unseen);
      else doubtful.push(element);
    }
    if (doubtful.length)
      withHits(() => {
        for (const element of doubtful) note(element, seconds, hiddenByOthers(element));
      });
    lookAtClips(seconds);
    for (const element of visible) if (textsOf(element).length) window.__hyperframesRenderLookFonts?.look(element);
    window.__hyperframesRenderLookText?.look([...visible], seconds);
    return { shows: whatShows([...visible]), paints: hasLargeCanvas() };
  }

  // Looks again, at another time, only for what was not seen yet. Returns how many elements and clips are left.
  /** @param {number} seconds */
  function verify(seconds) {
    opacities.clear();
    const left = [...notes].filter(([element, { seen }]) => !seen && element.isConnected && isOn(element, seconds));
    const found = left.map(([element]) => element).filter((element) => !hidden(element) || isLoose(element));
    if (found.length)
      withHits(() => {
        for (const element of found) note(element, seconds, hiddenByOthers(element));
      });
    if ([...clipNotes].some(([clip, { shown }]) => !shown && clip.isConnected)) lookAtClips(seconds);
    return leftOver();
  }

  const leftOver = () =>
    unseenOnes().length + [...clipNotes].filter(([clip, { shown }]) => !shown && !hasReason(clip)).length;

  /** @type {RenderLook["describe"]} */
  const describe = (element) => ({
    place: marks?.placeOf(element) ?? "",
    selector: element.id
      ? `#${element.id}`
      : element.localName + [...element.classList].map((name) => `.${name}`).join(""),
    text: (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40),
  });

  // The selector of the rule that gives an element this value; "" where no rule of the page's sheets does.
  /** @type {(element: Element, property: string, value: string) => string} */
  function ruleOf(element, property, value) {
    let found = "";
    for (const sheet of document.styleSheets) {
      try {
        for (const rule of sheet.cssRules)
          if (rule instanceof CSSStyleRule && rule.style.getPropertyValue(property) === value)
            if (element.matches(rule.selectorText)) found = rule.selectorText;
      } catch {} // a sheet of another origin
    }
    return found;
  }

  // Whether it is known why the contents of a clip are not seen.
  /** @type {(clip: Element) => boolean} */
  const hasReason = (clip) => [...notes].some(([element, { seen }]) => !seen && clip.contains(element));

  // Whether an empty clip is there for scripts: for its times, or to fill it later. It is a point or transparent, or they
  // name it.
  /** @type {(clip: Element) => boolean} */
  function isDriver(clip) {
    const tweensOf = /** @type {((target: unknown) => GsapTween[]) | undefined} */ (window.gsap?.getTweensOf);
    if (typeof tweensOf === "function" && tweensOf(clip).length) return true;
    const { opacity, visibility, width, height } = getComputedStyle(clip);
    const isPoint = Math.min(Number.parseFloat(width), Number.parseFloat(height)) <= SMALL && !clip.childElementCount;
    if (opacity === "0" || (isPoint && visibility === "visible" && width === height)) return true;
    if (!clip.id) return false;
    const names = [clip.id, ...[...document.querySelectorAll("[data-start]")].map((e) => e.getAttribute("data-start"))];
    const starts = names.slice(1).some((start) => start?.trim().startsWith(clip.id));
    return starts || [...document.scripts].some((script) => script.textContent?.includes(clip.id));
  }

  // Everything that was noted. Elements that one cause hides are one record.
  function report() {
    /** @type {Map<Element, { why: string, element: Element, by?: Element, from: number, to: number, looks: number }>} */
    const causes = new Map();
    for (const [element, known] of unseenOnes()) {
      const { looks, from, to } = known;
      const unseen = ofElement(mainReason(known), element);
      if (!unseen) continue;
      const same = causes.get(unseen.cause);
      if (same) [same.from, same.to] = [Math.min(same.from, from), Math.max(same.to, to)];
      else causes.set(unseen.cause, { why: unseen.why, element, by: unseen.by, from, to, looks });
    }
    const isInner = (/** @type {Element} */ cause) => [...causes.keys()].some((e) => e !== cause && e.contains(cause));
    const records = [...causes]
      .filter(([cause, { why }]) => isReported(cause, why) && !isInner(cause))
      .slice(0, MOST_RECORDS);
    const all = [...notes].filter(([element]) => element.isConnected);
    return {
      contents: all.length,
      unseen: records.map(([cause, { why, element, by, from, to, looks }]) => ({
        ...describe(cause),
        why,
        content: describe(element).text,
        rule:
          why === "display" ? ruleOf(cause, "display", "none") : why === "opacity" ? ruleOf(cause, "opacity", "0") : "",
        tag: element.localName,
        by: by ? describe(by).selector : "",
        from,
        to,
        looks,
      })),
      clips: [...clipNotes]
        .filter(([clip, { shown }]) => !shown && clip.isConnected && !hasReason(clip) && !isDriver(clip))
        .map(([clip, { from, to, looks }]) => ({ ...describe(clip), from, to, looks, window: windowOf(clip) }))
        .slice(0, MOST_RECORDS),
      spans: [...document.querySelectorAll("[data-start]")]
        .filter((clip) => compositionOf(clip) && !clip.matches("audio"))
        .map((clip) => ({ ...describe(clip), from: windowOf(clip)[0], to: Math.min(windowOf(clip)[1], 1e9) })),
      root: describe(document.querySelector("[data-composition-id]") ?? document.body),
      media: [.../** @type {NodeListOf<HTMLMediaElement>} */ (document.querySelectorAll("audio, video"))].map(
        (element) => ({
          ...describe(element),
          name: nameOf(element),
          tag: element.localName,
          trim: trimOf(element),
          loop: element.loop,
          duration: stateOf(element).facts?.duration ?? null,
          silent: stateOf(element).facts?.sound === false && element.getAttribute("data-has-audio") === "true",
          muted: element.muted || element.hasAttribute("muted") || element.getAttribute("data-volume") === "0",
        }),
      ),
      fonts: window.__hyperframesRenderLookFonts?.report() ?? [],
      cuts: window.__hyperframesRenderLookText?.report() ?? [],
    };
  }

  // A hidden element is reported where it is a clip or the root; what only styles take away may be meant for scripts.
  /** @type {(cause: Element, why: string) => boolean} */
  function isReported(cause, why) {
    if (why === "size") return !(cause instanceof SVGElement) && !cause.matches("canvas");
    if (why !== "display") return true;
    return cause.matches("[data-start], [data-composition-id], body, html");
  }

  Object.defineProperty(window, "__hyperframesRenderLook", {
    value: Object.freeze({ look, verify, leftOver, report, describe, boxesOf, opacityOf }),
  });
})();
