// For `check`, put into the open page: notes the font families of the texts that are seen, and whether the page has them.
(() => {
  "use strict";
  // Also the browser's own family, for text of which no style says one.
  const GENERIC =
    /^(serif|sans-serif|monospace|cursive|fantasy|system-ui|ui-[a-z-]+|math|emoji|fangsong|-apple-system|blinkmacsystemfont|inherit|initial|times new roman|arial)$/i;
  const MOST_FAMILIES = 200;
  const { describe } = window.__hyperframesRenderLook;
  /** @type {Map<string, Element>} */
  const families = new Map();
  const plain = (/** @type {string} */ name) => name.trim().replace(/^["']|["']$/g, "");

  // The first family of a list, as CSS writes it: a name in quotes may have a comma.
  /** @type {RenderLookFonts["firstOf"]} */
  const firstOf = (list) => plain(/^\s*("[^"]*"|'[^']*'|[^,]*)/.exec(list)?.[1] ?? "");

  /** @type {RenderLookFonts["look"]} */
  function look(element) {
    const family = firstOf(getComputedStyle(element).fontFamily);
    if (family && !GENERIC.test(family) && !families.has(family) && families.size < MOST_FAMILIES)
      families.set(family, element);
  }

  // The families without a face that loads.
  function report() {
    const had = new Set(
      [...document.fonts].filter(({ status }) => status !== "error").map(({ family }) => plain(family).toLowerCase()),
    );
    return [...families]
      .filter(([family]) => !had.has(family.toLowerCase()))
      .map(([family, element]) => ({ ...describe(element), family }));
  }

  Object.defineProperty(window, "__hyperframesRenderLookFonts", { value: Object.freeze({ look, report, firstOf }) });
})();
