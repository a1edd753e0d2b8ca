import assert from "node:assert/strict";
import { test } from "node:test";
import { Page } from "./page.mjs";

function clockPage(globals) {
  const page = new Page([], globals);
  return { page, clock: page.load("clock") };
}

test("Date and performance.now show the time of the frame", () => {
  const { page, clock } = clockPage();
  clock.moveTo(1500);
  assert.equal(page.run("Date.now()"), 1500);
  assert.equal(page.run("new Date().getTime()"), 1500);
  assert.equal(page.run("performance.now()"), 1500);
  assert.equal(page.run("new Date(7).getTime()"), 7);
  assert.ok(page.run("new Date() instanceof Date"));
});

test("an animation frame runs once, at the next frame, with its time", () => {
  const { page, clock } = clockPage();
  page.run("calls = []; requestAnimationFrame((ms) => calls.push(ms));");
  assert.ok(clock.hasRequests());
  clock.moveTo(40);
  clock.moveTo(80);
  assert.deepEqual([...page.window.calls], [40]);
  assert.ok(!clock.hasRequests());
});

test("a request made in an animation frame waits for the next frame", () => {
  const { page, clock } = clockPage();
  page.run(
    "calls = []; const loop = (ms) => { calls.push(ms); requestAnimationFrame(loop); }; requestAnimationFrame(loop);",
  );
  for (const ms of [0, 40, 80]) clock.moveTo(ms);
  assert.deepEqual([...page.window.calls], [0, 40, 80]);
});

test("a cancelled animation frame does not run, even if an earlier callback of the frame cancels it", () => {
  const { page, clock } = clockPage();
  page.run(`calls = []; let second;
    requestAnimationFrame(() => cancelAnimationFrame(second));
    second = requestAnimationFrame(() => calls.push("second"));`);
  clock.moveTo(40);
  assert.deepEqual([...page.window.calls], []);
});

test("an error in one animation frame is reported and does not stop the others", () => {
  const { page, clock } = clockPage();
  page.run('calls = []; requestAnimationFrame(() => { throw "broken"; }); requestAnimationFrame(() => calls.push(1));');
  clock.moveTo(40);
  assert.deepEqual(page.reported, ["broken"]);
  assert.deepEqual([...page.window.calls], [1]);
});

test("random numbers depend on the frame's time only", () => {
  const { page, clock } = clockPage();
  const drawn = (ms) => {
    clock.setTime(ms);
    return page.run("Math.random() + ' ' + Math.random() + crypto.randomUUID()");
  };
  const first = drawn(40);
  assert.notEqual(drawn(80), first);
  assert.equal(drawn(40), first);
  assert.match(page.run("crypto.randomUUID()"), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});

test("a page that draws in animation frames keeps state, a library without state does not", () => {
  const { page, clock } = clockPage();
  page.run("requestAnimationFrame(() => {});", "https://cdn.test/gsap/gsap.min.js");
  assert.ok(clock.hasRequests() && !clock.keepsState());
  page.run("requestAnimationFrame(() => {});", "https://project.test/main.js");
  assert.ok(clock.keepsState());
  clock.moveTo(40);
  assert.ok(!clock.keepsState());
});

test("a request without a function is a TypeError", () => {
  const { page } = clockPage();
  assert.throws(() => page.run("requestAnimationFrame(5)"), { name: "TypeError" });
});

test("the clocks of iframes move with the page, except those of another origin", () => {
  const moved = [];
  const inner = {
    __hyperframesRenderClock: {
      setTime: () => {},
      moveTo: (ms) => moved.push(ms),
      hasRequests: () => true,
      keepsState: () => false,
    },
  };
  const foreign = new Proxy({}, { get: () => assert.fail("SecurityError") });
  const { clock } = clockPage({ frames: [foreign, inner] });
  assert.ok(clock.hasRequests());
  clock.moveTo(40);
  assert.deepEqual(moved, [40]);
});
