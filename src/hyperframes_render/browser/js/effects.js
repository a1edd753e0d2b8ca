// Applies audio effects to samples. The samples (32-bit floats) are transferred as base64 in pieces, since a message to the
// browser has a size limit.
(() => {
  "use strict";
  /** @type {Uint8Array<ArrayBuffer>[][]} */
  let inputs = []; // the pieces of each channel
  /** @type {Float32Array[]} */
  let outputs = [];

  /** @param {number} channels */
  function begin(channels) {
    inputs = Array.from({ length: channels }, () => []);
    outputs = [];
  }

  /** @type {(channel: number, text: string) => void} */
  function give(channel, text) {
    inputs[channel]?.push(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  }

  // Applies a chain of effects. Returns the number of output samples per channel, with the tail of the effects.
  // `rate`: samples per second. `elapsed`: seconds of the sound before the first sample.
  /** @type {(rate: number, chain: unknown, automation: unknown, elapsed: number) => Promise<number>} */
  async function apply(rate, chain, automation, elapsed) {
    const channels = await Promise.all(
      inputs.map(async (pieces) => new Float32Array(await new Blob(pieces).arrayBuffer())),
    );
    inputs = [];
    outputs = await window.__HF_AUDIO_FX.render(channels, rate, chain, automation || undefined, elapsed);
    return outputs[0]?.length ?? 0;
  }

  // Returns output samples `from` up to `to` (exclusive) of a channel as base64.
  /** @type {(channel: number, from: number, to: number) => string} */
  function take(channel, from, to) {
    const bytes = new Uint8Array((outputs[channel] ?? new Float32Array()).slice(from, to).buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  }

  window.hyperframesRenderEffects = Object.freeze({ begin, give, apply, take });
})();
