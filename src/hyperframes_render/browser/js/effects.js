// Sound in, sound out: what the page that applies effects is asked for. Samples come and go as base64 in pieces, since
// a message to the browser has a limit.
(() => {
  "use strict";
  let given = [];
  let made = [];

  function begin(channels) {
    given = Array.from({ length: channels }, () => []);
    made = [];
  }

  function give(channel, text) {
    given[channel].push(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  }

  // Applies a chain to what was given; answers how many samples came of it, the effects' tail included.
  async function apply(rate, chain, automation, elapsed) {
    const channels = await Promise.all(
      given.map(async (pieces) => new Float32Array(await new Blob(pieces).arrayBuffer())),
    );
    given = [];
    made = await window.__HF_AUDIO_FX.render(channels, rate, chain, automation || undefined, elapsed);
    return made[0].length;
  }

  function take(channel, from, to) {
    const bytes = new Uint8Array(made[channel].slice(from, to).buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  }

  window.hyperframesRenderEffects = Object.freeze({ begin, give, apply, take });
})();
