import assert from "node:assert/strict";
import { test } from "node:test";
import { element, Page, plain, timeline } from "./page.mjs";

/** The timing of a page with these elements. `durations`: seconds of media files, by the element's id. */
function timingOf(body, { durations = {}, timelines = {} } = {}) {
  const videos = new Set();
  const page = new Page(body, {
    __timelines: timelines,
    __hyperframesRenderLanes: { rate: () => null },
    __hyperframesRenderMediaElements: {
      videos,
      knownStateOf: ({ id }) => (id in durations ? { facts: { duration: durations[id] } } : undefined),
    },
  });
  const timing = page.load("timing");
  const byId = (id) => page.window.document.getElementById(id);
  return { page, timing, byId, videos };
}

const root = (...children) => element("div", { "data-composition-id": "main", "data-duration": "20" }, ...children);

test("a start is a plain number of seconds, at least 0", () => {
  const starts = { 2.5: 2.5, " 3 ": 3, "-1": 0, "5s": 0, "": 0, "1e12": 1e9 };
  for (const [text, seconds] of Object.entries(starts)) {
    const clip = element("div", { "data-start": text });
    const { timing } = timingOf([root(clip)]);
    assert.equal(timing.startOf(clip), seconds, JSON.stringify(text));
  }
});

test("a start that names an element is that element's end, plus or minus an offset", () => {
  const { timing, byId } = timingOf([
    root(
      element("div", { id: "clip-1", "data-start": "2", "data-duration": "3" }),
      element("div", { id: "after", "data-start": "clip-1" }),
      element("div", { id: "later", "data-start": "clip-1 + 1.5" }),
      element("div", { id: "earlier", "data-start": "clip-1 - .5" }),
      element("div", { id: "unknown", "data-start": "nothing + 4" }),
    ),
  ]);
  const starts = ["after", "later", "earlier", "unknown"].map((id) => timing.startOf(byId(id)));
  assert.deepEqual(starts, [5, 6.5, 4.5, 0]);
});

test("a circular chain of starts ends at 0", () => {
  const { timing, byId } = timingOf([
    root(
      element("div", { id: "a", "data-start": "b", "data-duration": "1" }),
      element("div", { id: "b", "data-start": "a", "data-duration": "2" }),
    ),
  ]);
  assert.equal(timing.startOf(byId("a")), 3);
  assert.equal(timing.startOf(byId("b")), 3);
});

test("a length is data-duration, else data-end minus the start, else unknown", () => {
  const lengthOf = (attributes) => {
    const clip = element("div", { "data-start": "2", ...attributes });
    return timingOf([root(clip)]).timing.lengthOf(clip);
  };
  assert.equal(lengthOf({ "data-duration": "4", "data-end": "9" }), 4);
  assert.equal(lengthOf({ "data-end": "9" }), 7);
  assert.equal(lengthOf({ "data-end": "1" }), 0);
  assert.equal(lengthOf({ "data-duration": "0" }), null);
  assert.equal(lengthOf({}), null);
});

test("media lasts as long as the rest of its file at its speed; looping media has no length", () => {
  const attributes = { id: "v", "data-media-start": "2", "data-playback-rate": "2" };
  const lengthOf = (video) => timingOf([root(video)], { durations: { v: 10 } }).timing.lengthOf(video);
  assert.equal(lengthOf(element("video", attributes)), 4);
  assert.equal(lengthOf(element("video", { ...attributes, loop: "" })), null);
});

test("the host of a sub-composition lasts as long as its timeline", () => {
  const host = element("div", { "data-composition-id": "part", "data-composition-src": "part.html" });
  assert.equal(timingOf([root(host)], { timelines: { part: timeline(7) } }).timing.lengthOf(host), 7);
  assert.equal(timingOf([root(host)]).timing.lengthOf(host), null);
});

test("a speed is limited to 0.1 to 10, and 1 if it is not positive", () => {
  for (const [text, rate] of [
    ["0.01", 0.1],
    ["99", 10],
    ["-2", 1],
    ["0", 1],
    ["x", 1],
    ["1.5", 1.5],
  ]) {
    const clip = element("video", { "data-playback-rate": text });
    assert.equal(timingOf([root(clip)]).timing.rateOf(clip), rate, text);
  }
});

test("clocks of nested compositions multiply speeds, and end with the outer one", () => {
  const inner = element("div", { "data-composition-id": "inner", "data-start": "2", "data-playback-rate": "2" });
  const outer = element(
    "div",
    {
      "data-composition-id": "outer",
      "data-start": "4",
      "data-duration": "3",
      "data-playback-rate": "2",
      "data-media-start": "1",
    },
    inner,
  );
  const { timing } = timingOf([root(outer)]);
  assert.deepEqual(plain(timing.clockOfId("outer")), { start: 4, from: 1, rate: 2, end: 7 });
  assert.deepEqual(plain(timing.clockOfId("inner")), { start: 4.5, from: 0, rate: 4, end: 7 });
});

test("the elapsed time follows the clock of the composition", () => {
  const clip = element("div", { "data-start": "1" });
  const host = element("div", { "data-composition-id": "part", "data-start": "4", "data-playback-rate": "2" }, clip);
  const { timing } = timingOf([root(host)]);
  assert.equal(timing.elapsed(clip, 5), 1);
  assert.equal(timing.elapsedInClip(clip, 5), 1);
  assert.equal(timing.elapsedInClip(element("p"), 5), 5);
});

test("a video without data-start begins when its scene is first visible", () => {
  const scene = element("div", { class: "scene" }, element("video", { id: "v" }));
  scene.style = { opacity: "0" };
  const main = timeline(10, {
    onSeek: (time) => {
      scene.style.opacity = time >= 3 ? "1" : "0";
    },
  });
  const { page, timing, byId, videos } = timingOf([root(scene)], { timelines: { main } });
  page.dispatch("DOMContentLoaded");
  videos.add(byId("v"));
  timing.findStarts(10);
  const first = timing.firstSeen(byId("v"));
  assert.ok(first >= 3 && first < 3 + 1 / 60, String(first));
  assert.equal(timing.elapsed(byId("v"), 5), 5 - first);
  assert.equal(main.totalTime(), 0);
});

test("a video that is visible from the beginning, or never, begins with its composition", () => {
  for (const opacity of ["1", "0"]) {
    const video = element("video", { id: "v" });
    video.style = { opacity };
    const { page, timing, videos } = timingOf([root(video)], { timelines: { main: timeline(10) } });
    page.dispatch("DOMContentLoaded");
    videos.add(video);
    timing.findStarts(10);
    assert.equal(timing.firstSeen(video), undefined);
  }
});
