import assert from "node:assert/strict";
import { setImmediate as nextTask } from "node:timers/promises";
import { test } from "node:test";
import { Page } from "./page.mjs";

function timersPage() {
  const page = new Page([], { calls: [] });
  page.load("elements", "clock");
  return { page, timers: page.load("timers"), calls: page.window.calls };
}

test("timers run in the order of their times, not before their time", async () => {
  const { page, timers, calls } = timersPage();
  page.run("setTimeout(() => calls.push('b'), 200); setTimeout(() => calls.push('a'), 100);");
  await timers.passUntil(99);
  assert.deepEqual(calls, []);
  assert.equal(timers.nextDue(), 100);
  await timers.passUntil(200);
  assert.deepEqual(calls, ["a", "b"]);
  assert.equal(timers.nextDue(), Infinity);
});

test("a timer gets its arguments", async () => {
  const { page, timers, calls } = timersPage();
  page.run("setTimeout((...values) => calls.push(...values), 10, 1, 2);");
  await timers.passUntil(10);
  assert.deepEqual(calls, [1, 2]);
});

test("an interval repeats until it is cleared", async () => {
  const { page, timers, calls } = timersPage();
  page.run("id = setInterval(() => calls.push(1), 50);");
  await timers.passUntil(170);
  assert.equal(calls.length, 3);
  page.run("clearInterval(id);");
  await timers.passUntil(1000);
  assert.equal(calls.length, 3);
});

test("a timer that always sets another one lets time pass", async () => {
  const { page, timers, calls } = timersPage();
  timers.begin();
  page.run("const again = () => { calls.push(1); setTimeout(again, 0); }; setTimeout(again, 0);");
  await timers.runUntil(20);
  assert.equal(calls.length, 21);
});

test("a delay longer than 2^31 - 1 milliseconds counts as none", async () => {
  const { page, timers, calls } = timersPage();
  timers.begin();
  page.run("setTimeout(() => calls.push(1), 2 ** 31);");
  await timers.runUntil(0);
  assert.deepEqual(calls, [1]);
});

test("while the page loads, a timer without delay runs at once", async () => {
  const { page, timers, calls } = timersPage();
  page.run("setTimeout(() => calls.push(1), 0);");
  assert.equal(timers.nextDue(), Infinity);
  for (let wait = 0; !calls.length && wait < 200; wait++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(calls, [1]);
});

test("times of the video count from its beginning", async () => {
  const { page, timers, calls } = timersPage();
  await timers.passUntil(500);
  timers.begin();
  page.run("setTimeout(() => calls.push(performance.now()), 40);");
  assert.equal(timers.dueInVideo(), 40);
  await timers.runUntil(39);
  assert.deepEqual(calls, []);
  await timers.runUntil(80);
  assert.deepEqual(calls, [40]);
  assert.deepEqual([...timers.time()], [580, 500]);
});

test("the video begins only once", async () => {
  const { timers } = timersPage();
  await timers.passUntil(100);
  timers.begin();
  await timers.runUntil(50);
  timers.begin();
  assert.deepEqual([...timers.time()], [150, 100]);
});

test("promise reactions of a timer run before the next timer", async () => {
  const { page, timers, calls } = timersPage();
  page.run(
    "setTimeout(() => Promise.resolve().then(() => calls.push('promise')), 10); setTimeout(() => calls.push('timer'), 10);",
  );
  await timers.passUntil(10);
  assert.deepEqual(calls, ["promise", "timer"]);
});

test("an error in a timer is reported and does not stop the others", async () => {
  const { page, timers, calls } = timersPage();
  page.run("setTimeout(() => { throw 'broken'; }, 10); setTimeout(() => calls.push(1), 10);");
  await timers.passUntil(10);
  assert.deepEqual(page.reported, ["broken"]);
  assert.deepEqual(calls, [1]);
});

test("a timer that another one clears at the same time does not run", async () => {
  const { page, timers, calls } = timersPage();
  page.run("let second; setTimeout(() => clearTimeout(second), 10); second = setTimeout(() => calls.push(1), 10);");
  await timers.passUntil(10);
  assert.deepEqual(calls, []);
});

test("a page that delays a frame by a timer gets it in real time", async () => {
  const { page, timers, calls } = timersPage();
  timers.begin();
  const first = timers.next();
  page.run("done = new Promise((resolve) => setTimeout(() => { calls.push(1); resolve(); }, 10));");
  await timers.waitFor(page.window.done, first);
  assert.deepEqual(calls, [1]);
  await nextTask();
  assert.equal(timers.nextDue(), Infinity);
});
