// Takes the marks off the elements (composition/marks.py) and keeps what they say. The browser calls the observer before
// it runs a script of the page, so that no script sees a mark. Scripts may copy a template's content with its marks later.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderMarks")) return;
  const MARK = "data-hyperframes-render-place";
  /** @type {WeakMap<Element, string>} */
  const places = new WeakMap();
  const keep = (/** @type {Element} */ element) => {
    const place = element.getAttribute(MARK);
    if (place === null) return;
    places.set(element, place);
    element.removeAttribute(MARK);
  };
  new MutationObserver((records) => {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        keep(node);
        if (node.firstElementChild) for (const element of node.querySelectorAll(`[${MARK}]`)) keep(element);
      }
    }
  }).observe(document, { childList: true, subtree: true });

  // The place of an element in the author's files, or of the nearest element around it that has one; "" if there is none.
  /** @type {RenderMarks["placeOf"]} */
  function placeOf(element) {
    for (let e = /** @type {Element | null} */ (element); e; e = e.parentElement) {
      const place = places.get(e) ?? e.getAttribute(MARK);
      if (place) return place;
    }
    return "";
  }

  Object.defineProperty(window, "__hyperframesRenderMarks", { value: Object.freeze({ placeOf }) });
})();
