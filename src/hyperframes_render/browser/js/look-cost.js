// For `check`, put into the open page at a slow frame: hides parts of the page one after another, so that the renderer can
// measure what their drawing costs. Halves of the children of an element are tried before single ones. A clip-path hides
// them: it changes no layout and starts no animation.
(() => {
  "use strict";
  const { describe } = window.__hyperframesRenderLook;
  /** @type {Element[][]} */
  let groups = [];
  /** @type {{ element: HTMLElement | SVGElement, value: string, priority: string }[]} */
  let hiddenNow = [];
  /** @type {Element[]} */
  let tried = [];

  /** @type {(elements: Element[]) => Element[][]} */
  const halves = (elements) =>
    elements.length < 2 ? [] : [elements.slice(0, elements.length >> 1), elements.slice(elements.length >> 1)];

  /** @type {(element: Element) => Element[]} */
  const drawnIn = (element) =>
    [...element.children].filter((child) => !child.matches("script, style, template") && child.checkVisibility());

  // The groups to try inside one that costs the time.
  /** @type {(group: Element[]) => Element[][]} */
  function inside(group) {
    const elements = group.length === 1 ? drawnIn(group[0]) : group;
    return elements.length === 1 ? [elements] : halves(elements);
  }

  // Hides the next group; false if none is left.
  function hideNext() {
    const next = groups.shift();
    if (!next) return false;
    tried = next;
    hiddenNow = /** @type {(HTMLElement | SVGElement)[]} */ (next).map((element) => ({
      element,
      value: element.style.getPropertyValue("clip-path"),
      priority: element.style.getPropertyPriority("clip-path"),
    }));
    for (const { element } of hiddenNow) element.style.setProperty("clip-path", "inset(50%)", "important");
    return true;
  }

  // Shows the hidden group again. `heavy`: the drawing was fast without it, so that the next groups lie in it. Returns the
  // name of its element where it is one.
  /** @param {boolean} heavy */
  function judge(heavy) {
    for (const { element, value, priority } of hiddenNow) element.style.setProperty("clip-path", value, priority);
    hiddenNow = [];
    if (!heavy) return null;
    groups = inside(tried);
    const only = tried.length === 1 ? tried[0] : tried[0]?.parentElement;
    return only ? describe(only) : null;
  }

  groups = inside([document.body]);
  const end = () => judge(false);
  Object.defineProperty(window, "__hyperframesRenderLookCost", {
    value: Object.freeze({ hideNext, judge, end }),
    configurable: true,
  });
})();
