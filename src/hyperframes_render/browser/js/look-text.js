// For `check`, put into the open page: notes texts that are cut by the frame or by a box around them while they rest.
(() => {
  "use strict";
  const MOST_TEXTS = 1000;
  const REST = 0.5; // pixels that a resting text moves at most
  const FAINT = 0.35; // the opacity below which a text is decoration
  const ALONG = 0.1; // of a line's height: a letter's side bearing, and the space after the last letter
  const ACROSS = 0.35; // of a line's height: what its box has above and below its letters
  const LEAST = 3; // pixels
  const { boxesOf, describe, opacityOf } = window.__hyperframesRenderLook;

  /** @typedef {{ side: string, pixels: number, by: Element | null }} Cut */
  /** @typedef {{ box: DOMRect, seconds: number }} Before */
  /** @typedef {{ whole: boolean, moved: boolean, rests: number, cut: Cut | null, from: number, to: number, before: Before | null }} Notes */

  /** @type {Map<Element, Notes>} */
  const notes = new Map();

  /** @type {(element: Element) => { box: DOMRect, by: Element | null }[]} */
  function limitsOf(element) {
    /** @type {{ box: DOMRect, by: Element | null }[]} */
    const found = [];
    let position = "static";
    let shifted = false;
    for (let e = /** @type {Element | null} */ (element); e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (position === "fixed") break;
      const holds = position !== "absolute" || style.position !== "static" || style.transform !== "none";
      if (holds) {
        // What is shifted inside a box is a reel or waits behind a mask.
        if ((style.overflowX !== "visible" || style.overflowY !== "visible") && !shifted)
          found.push({ box: e.getBoundingClientRect(), by: e });
        position = style.position;
      }
      shifted ||= !/^(none|matrix\(1, 0, 0, 1, 0, 0\))$/.test(style.transform);
    }
    return [...found, { box: new DOMRect(0, 0, window.innerWidth, window.innerHeight), by: null }];
  }

  // Whether a text may be cut on purpose, or what its boxes say is not what is drawn.
  /** @type {(element: Element) => boolean} */
  function isMeant(element) {
    if (element.closest("[aria-hidden=true], svg, marquee, textarea, input, pre, code")) return true;
    const alpha = Number(/^rgba\(.*, ([\d.]+)\)$/.exec(getComputedStyle(element).color)?.[1] ?? 1);
    if (opacityOf(element).product * alpha < FAINT) return true;
    for (let e = /** @type {Element | null} */ (element); e; e = e.parentElement) {
      const { transform, textOverflow, overflowX, overflowY, maskImage, webkitLineClamp, clipPath, writingMode } =
        getComputedStyle(e);
      const straight = transform === "none" || /^matrix\([^,]+, 0, 0, /.test(transform);
      const scrolls = [overflowX, overflowY].some((way) => way === "auto" || way === "scroll");
      const styled = textOverflow === "ellipsis" || webkitLineClamp !== "none" || maskImage !== "none";
      if (!straight || scrolls || styled || clipPath !== "none" || writingMode !== "horizontal-tb") return true;
    }
    return false;
  }

  // Whether enough of a line is inside a box that it is meant to be read.
  /** @type {(line: DOMRect, box: DOMRect) => boolean} */
  const meets = (line, box) =>
    line.right > box.left + 1 &&
    line.left < box.right - 1 &&
    Math.min(line.bottom, box.bottom) - Math.max(line.top, box.top) > ACROSS * line.height;

  // The largest piece that a box takes off the lines of a text. Lines that lie outside count only beside others inside.
  // `space`: pixels after the last letter.
  /** @type {RenderLookText["cutOf"]} */
  function cutOf(lines, box, space) {
    if (!lines.some((line) => meets(line, box))) return null;
    const pieces = lines.flatMap((line) => {
      const along = Math.max(LEAST, line.height * ALONG);
      const across = Math.max(LEAST, line.height * ACROSS);
      return [
        { side: "left", pixels: box.left - line.left, least: along },
        { side: "right", pixels: line.right - space - box.right, least: along },
        { side: "top", pixels: box.top - line.top, least: across },
        { side: "bottom", pixels: line.bottom - box.bottom, least: across },
      ];
    });
    const cut = pieces.filter(({ pixels, least }) => pixels > least).sort((a, b) => b.pixels - a.pixels)[0];
    return cut ? { side: cut.side, pixels: cut.pixels } : null;
  }

  /** @type {(element: Element) => Cut | null} */
  function cutBy(element) {
    const style = getComputedStyle(element);
    const lines = boxesOf(element);
    const space = Number.parseFloat(style.letterSpacing) || 0;
    for (const { box, by } of limitsOf(element)) {
      const cut = cutOf(lines, box, Math.max(0, space));
      if (cut) return { ...cut, by };
    }
    return null;
  }

  /** @type {RenderLookText["look"]} */
  function look(visible, seconds) {
    for (const element of visible) {
      const known = notes.get(element) ?? {
        whole: false,
        moved: false,
        rests: 0,
        cut: null,
        from: seconds,
        to: seconds,
        before: null,
      };
      const isText = [...element.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.nodeValue?.trim());
      if (known.whole || notes.size > MOST_TEXTS) continue;
      notes.set(element, known);
      if (!isText) {
        known.whole = true;
        continue;
      }
      const box = element.getBoundingClientRect();
      const { before } = known;
      const rests =
        before !== null &&
        Math.abs(before.box.left - box.left) + Math.abs(before.box.top - box.top) < REST &&
        Math.abs(before.box.width - box.width) < REST;
      known.moved ||= before !== null && !rests;
      known.before = { box, seconds };
      const cut = isMeant(element) ? null : cutBy(element);
      if (!cut) known.whole = true;
      else if (rests) {
        known.cut = cut;
        known.rests++;
        known.to = seconds;
      } else if (!known.cut) known.from = known.to = seconds;
    }
  }

  const report = () =>
    [...notes]
      .filter(([element, { whole, moved, cut }]) => {
        const wide = element.getBoundingClientRect().width > window.innerWidth;
        return cut && !whole && element.isConnected && !(moved && wide);
      })
      .slice(0, 20)
      .map(([element, { cut, from, to }]) => ({
        ...describe(element),
        side: cut?.side ?? "",
        pixels: Math.round(cut?.pixels ?? 0),
        by: cut?.by ? describe(cut.by).selector : "",
        own: cut?.by === element,
        from,
        to,
      }));

  /** @type {RenderLookText["isPending"]} */
  const isPending = (element) => !notes.get(element)?.whole;

  Object.defineProperty(window, "__hyperframesRenderLookText", {
    value: Object.freeze({ look, report, isPending, cutOf }),
  });
})();
