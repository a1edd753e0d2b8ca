// Counts what scripts of the page wait for: fetch and the reading of its answer, XMLHttpRequest, and images. The renderer
// knows when an answer has arrived, but not when the script's own code has run. It draws a frame after that. Runs in the
// page and in each of its iframes.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderLoading")) return;
  const clock = window.__hyperframesRenderClock;
  const { setRealTimeout } = window.__hyperframesRenderTimers;
  const { fetch, XMLHttpRequest, HTMLImageElement, Response, MessageChannel, Promise } = window;
  const LONGEST = 10_000; // milliseconds that the renderer waits for one of them
  const TASKS = 3; // tasks in which the code that waited goes on, and may wait again
  let open = 0;

  const channel = new MessageChannel();
  /** @type {(() => void)[]} */
  const waiting = [];
  channel.port1.onmessage = () => waiting.shift()?.();
  /** @returns {Promise<void>} */
  const yieldTask = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      channel.port2.postMessage(null);
    });

  // Counts until `promise` is settled and the code that waits for it has run.
  /** @param {Promise<unknown>} promise */
  function count(promise) {
    open++;
    let counted = true;
    const finish = () => {
      if (counted) open--;
      counted = false;
    };
    const end = async () => {
      for (let i = 0; i < TASKS; i++) await yieldTask();
      finish();
    };
    promise.then(end, end);
    setRealTimeout(finish, LONGEST);
  }
  /** @type {(target: { addEventListener: Function }, ...names: string[]) => Promise<unknown>} */
  const firstOf = (target, ...names) =>
    new Promise((resolve) => {
      for (const name of names) target.addEventListener(name, resolve, { once: true });
    });
  const isPage = () => !clock.caller(1).includes(clock.OUR_FILES);

  window.fetch = (...values) => {
    const answer = fetch.apply(window, values);
    if (isPage()) count(answer);
    return answer;
  };
  for (const name of ["json", "text", "blob", "arrayBuffer", "bytes", "formData"]) {
    const prototype = /** @type {any} */ (Response.prototype);
    const read = prototype[name];
    if (!read) continue;
    /** @this {Response} @param {unknown[]} values */
    prototype[name] = function (...values) {
      const content = read.apply(this, values);
      if (isPage()) count(content);
      return content;
    };
  }

  const { send } = XMLHttpRequest.prototype;
  /** @this {XMLHttpRequest} @param {Parameters<typeof send>} values */
  XMLHttpRequest.prototype.send = function (...values) {
    if (isPage()) count(firstOf(/** @type {any} */ (this), "loadend"));
    return send.apply(this, values);
  };

  const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src") ?? {};
  Object.defineProperty(HTMLImageElement.prototype, "src", {
    ...source,
    /** @this {HTMLImageElement} @param {string} address */
    set(address) {
      source.set?.call(this, address);
      if (!String(address) || !isPage()) return;
      count(firstOf(/** @type {any} */ (this), "load", "error"));
    },
  });

  const inner = () => clock.inner("__hyperframesRenderLoading");
  /** @returns {boolean} */
  const pending = () => open > 0 || inner().some((frame) => frame.pending());
  async function done() {
    while (pending()) await new Promise((resolve) => setRealTimeout(() => resolve(null), 1));
  }

  Object.defineProperty(window, "__hyperframesRenderLoading", { value: Object.freeze({ pending, done }) });
})();
