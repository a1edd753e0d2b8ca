import assert from "node:assert/strict";
import { test } from "node:test";
import { Page, plain, timeline } from "./page.mjs";

/** `ends`: the ends of the clips; null for a clip that lasts until the video's end. */
function infer({ ends = [], timelines, globals = {} } = {}) {
  const page = new Page([], {
    __hyperframesRenderClips: { ends: () => ends, startOfClip: () => 2 },
    __hyperframesRenderAnimations: { list: () => [], inPage: (element) => element },
    CSSAnimation: class {},
    CSSTransition: class {},
    ...globals,
  });
  // A function makes the registry from the page's own Map and Set.
  page.window.__timelines = typeof timelines === "function" ? timelines(page.run("({ Map, Set })")) : timelines;
  return plain(page.load("length").infer());
}

test("a page lasts until the end of its last clip", () => {
  assert.deepEqual(infer({ ends: [3, 8, 5] }), { seconds: 8, from: "clips" });
});

test("timelines count only if some clip has no length, and only if they are longer", () => {
  const timelines = { main: timeline(12) };
  assert.deepEqual(infer({ ends: [8], timelines }), { seconds: 8, from: "clips" });
  assert.deepEqual(infer({ ends: [8, null], timelines }), { seconds: 12, from: "timelines" });
  assert.deepEqual(infer({ ends: [20, null], timelines }), { seconds: 20, from: "clips" });
});

test("timelines are found in objects, arrays, maps and sets, and one level deeper", () => {
  const one = timeline(4);
  const shapes = [
    { a: one },
    [one],
    ({ Map }) => new Map([["a", one]]),
    ({ Set }) => new Set([one]),
    { scenes: [one] },
    [{ id: "a", timeline: one }],
  ];
  for (const timelines of shapes) assert.equal(infer({ timelines }).seconds, 4);
});

test("a registry that is not one has no timelines", () => {
  for (const timelines of [null, 5, "text", { a: null, b: 3, c: {} }])
    assert.deepEqual(infer({ timelines }), { seconds: 0, from: "" });
});

test("a timeline with an endless tween lasts until its last finite one ends", () => {
  const at = (start, child) => ({ ...child, startTime: () => start });
  const children = [at(0, timeline(1e8, { repeat: -1 })), at(2, timeline(3))];
  assert.equal(infer({ timelines: { main: timeline(1e8, { children }) } }).seconds, 5);
});

test("a timeline that itself repeats without end has no length", () => {
  assert.equal(infer({ timelines: { main: timeline(1e8, { repeat: -1, children: [timeline(3)] }) } }).seconds, 0);
});

test("the length of an anime.js timeline is in milliseconds", () => {
  assert.equal(infer({ timelines: { main: { duration: 2500, began: false, seek() {} } } }).seconds, 2.5);
});

test("a plain object with seek has its duration in seconds, as a value or a function", () => {
  assert.equal(infer({ timelines: { main: { duration: 6, seek() {} } } }).seconds, 6);
  assert.equal(infer({ timelines: { main: { duration: () => 7, seek() {} } } }).seconds, 7);
});

test("an object that throws when it is asked for its length does not count", () => {
  const broken = {
    ...timeline(3),
    totalDuration: () => {
      throw new Error("broken");
    },
  };
  assert.equal(infer({ timelines: { broken, main: timeline(2) } }).seconds, 2);
});

test("without clips and timelines, Lottie files give the length", () => {
  const lottie = { getRegisteredAnimations: () => [{ totalFrames: 90, frameRate: 30 }, { duration: 2 }] };
  assert.deepEqual(infer({ globals: { lottie } }), { seconds: 3, from: "animations" });
});

test("a CSS animation counts from the start of its clip, a script's animation from frame 0", () => {
  class CSSAnimation {}
  const effect = { target: {}, getComputedTiming: () => ({ endTime: 1500 }) };
  const of = (animation) => {
    const list = () => [Object.assign(animation, { effect })];
    return infer({ globals: { CSSAnimation, __hyperframesRenderAnimations: { list, inPage: (element) => element } } });
  };
  assert.deepEqual(of(new CSSAnimation()), { seconds: 3.5, from: "animations" });
  assert.deepEqual(of({}), { seconds: 1.5, from: "animations" });
});
