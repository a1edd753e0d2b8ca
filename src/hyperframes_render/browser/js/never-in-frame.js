// A function for `check`, called after each seek: notes which elements with content were inside the frame, and which were
// drawn outside it only. Returns the latter: { tag, id, text } in the order of the document.
() => {
  "use strict";
  const MEDIA = ["IMG", "VIDEO", "CANVAS", "svg"];
  const page = /** @type {any} */ (window);
  /** @type {{ seen: Set<Element>, outside: Set<Element> }} */
  const state = page.__hyperframesRenderInFrame ?? { seen: new Set(), outside: new Set() };
  page.__hyperframesRenderInFrame = state;
  const hasContent = (/** @type {Element} */ element) =>
    MEDIA.includes(element.tagName) ||
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim());
  for (const element of document.body.querySelectorAll("*")) {
    if (state.seen.has(element) || !hasContent(element) || element.closest("script, style, noscript, defs")) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const { left, top, right, bottom } = element.getBoundingClientRect();
    if (right <= left || bottom <= top) continue;
    if (right > 0 && bottom > 0 && left < window.innerWidth && top < window.innerHeight) state.seen.add(element);
    else state.outside.add(element);
  }
  return [...state.outside]
    .filter((element) => !state.seen.has(element) && element.isConnected)
    .slice(0, 20)
    .map((element) => ({
      tag: element.localName,
      id: element.id,
      text: (element.textContent ?? "").trim().slice(0, 40),
    }));
};
