import assert from "node:assert/strict";
import { test } from "node:test";
import { Page, plain } from "./page.mjs";

const FPS = 10;

/** The bridge on stand-ins of the other scripts. `log` gets the drawn times in seconds and the clock's times in ms. */
function bridgePage({
  stops = [],
  keepsState = false,
  due = () => Infinity,
  wanted = [],
  realNow = () => 0,
  onDraw,
} = {}) {
  const log = [];
  const page = new Page([], {
    __hyperframesRenderClock: {
      realNow,
      keepsState: () => keepsState,
      hasRequests: () => false,
      observes: () => false,
      setTime: () => {},
      moveTo: (ms) => log.push(`clock ${ms}`),
    },
    __hyperframesRenderTimers: {
      begin: () => {},
      finishLoading: async () => {},
      next: () => 1,
      runUntil: () => {},
      waitFor: (done) => done,
      dueInVideo: due,
      nextDue: () => Infinity,
      time: () => [0, null],
    },
    __hyperframesRenderMediaElements: { pending: () => 0, done: async () => {} },
    __hyperframesRenderWebAudio: {
      pending: () => 0,
      isUsed: () => false,
      isLate: () => false,
      begin: async () => {},
      advance: async () => {},
    },
    __hyperframesRenderOutside: { take: () => null },
    __hyperframesRenderPlayback: { started: () => false },
    __hyperframesRenderTiming: { elapsedInClip: () => 0, findStarts: () => {} },
    __hyperframesRenderVideoFrames: { wanted: () => wanted, show: async () => log.push("show") },
    __hyperframesRenderSounds: { sounds: () => ({}) },
    __hyperframesRenderClips: { clips: () => [] },
    __hyperframesRenderLoading: { pending: () => false, done: async () => {} },
    __hyperframesRenderAnimations: {
      adopt: () => {},
      advance: () => {},
      begin: () => {},
      nextEvent: () => Infinity,
      takeEvents: () => false,
      seekSvg: () => {},
      list: () => [],
    },
    __hyperframesRenderTweens: { stops: () => [...stops], movingSpans: () => null, reportCallbackErrors: () => {} },
    __hyperframesRenderElements: { ready: () => null },
    __hyperframesRenderEdits: { apply: () => {} },
    __hyperframesRenderTransitions: {
      pending: () => false,
      running: () => false,
      prepare: async () => {},
      resolve: () => {},
      seek: (seconds) => {
        log.push(`draw ${seconds}`);
        onDraw?.(page);
      },
    },
    __hyperframesRenderLength: { infer: () => ({ seconds: 0, from: "" }) },
  });
  const bridge = page.loadBridge(FPS);
  const drawn = () => log.filter((line) => line.startsWith("draw ")).map((line) => Number(line.slice(5)));
  /** Seeks as the renderer does: again and again until the seek is finished. */
  const seek = async (seconds) => {
    let answer = plain(await bridge.seek(seconds));
    while (answer.more) answer = plain(await bridge.seek(seconds));
    return answer;
  };
  return { page, bridge, log, drawn, seek };
}

test("the first seek draws frame 0 before its own frame", async () => {
  const { log, drawn, seek } = bridgePage();
  assert.deepEqual(await seek(0.5), { errors: null, warnings: null, loading: false, played: false });
  assert.deepEqual(drawn(), [0, 0.5]);
  assert.equal(log.at(-1), "clock 500");
});

test("the next frame needs no stops", async () => {
  const { drawn, seek } = bridgePage({ stops: [0.05], keepsState: true });
  await seek(0);
  await seek(0.1);
  assert.deepEqual(drawn(), [0, 0.1]);
});

test("a jump stops at the frames that tweens need", async () => {
  const { drawn, seek } = bridgePage({ stops: [0.2, 0.6] });
  await seek(1);
  assert.deepEqual(drawn(), [0, 0.2, 0.6, 1]);
});

test("a jump stops at the first frame after a timer is due", async () => {
  const pending = [250, Infinity];
  const { drawn, seek } = bridgePage({ due: () => (pending.length > 1 ? pending.shift() : pending[0]) });
  await seek(1);
  assert.deepEqual(drawn(), [0, 0.3, 1]);
});

test("a jump runs every frame of a page that draws in animation frames, with its clock", async () => {
  const { log, drawn, seek } = bridgePage({ keepsState: true });
  await seek(0.4);
  assert.deepEqual(drawn(), [0, 0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(
    log.filter((line) => line.startsWith("clock ")).map((line) => Math.round(Number(line.slice(6)))),
    [0, 100, 200, 300, 400],
  );
});

test("a long jump is unfinished after half a second, and goes on where it was", async () => {
  let now = 0;
  const { bridge, drawn } = bridgePage({ keepsState: true, realNow: () => (now += 300) });
  const answers = [];
  do answers.push(plain(await bridge.seek(0.6)));
  while (answers.at(-1).more);
  assert.ok(answers.length > 1);
  assert.deepEqual(answers.at(-1), { errors: null, warnings: null, loading: false, played: false });
  assert.deepEqual(drawn(), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
});

test("the clock waits until the frames of videos are shown", async () => {
  const video = { id: 1, file: "a", trim: 0, loop: false, image: false, index: 5 };
  const { bridge, log, seek } = bridgePage({ wanted: [video] });
  assert.deepEqual(await seek(0), { videos: [video] });
  assert.ok(!log.includes("clock 0"));
  assert.deepEqual(plain(await bridge.show([[1, "data:,"]], 0)), {
    errors: null,
    warnings: null,
    loading: false,
    played: false,
  });
  assert.deepEqual(log.slice(-2), ["show", "clock 0"]);
});

test("errors of the page's scripts are in the answer of the seek, once", async () => {
  let broken = true;
  const onDraw = (page) => {
    if (broken) page.dispatch("error", { message: "it broke" });
    broken = false;
  };
  const { seek } = bridgePage({ onDraw });
  assert.deepEqual(await seek(0), { errors: ["it broke"], warnings: null, loading: false, played: false });
  assert.deepEqual(await seek(0), { errors: null, warnings: null, loading: false, played: false });
});

test("at most 20 errors of one seek are kept, each cut to 300 characters", async () => {
  const onDraw = (page) => {
    for (let i = 0; i < 50; i++) page.dispatch("unhandledrejection", { reason: "x".repeat(1000) });
  };
  const { errors } = await bridgePage({ onDraw }).seek(0);
  assert.deepEqual([errors.length, errors[0].length], [20, 300]);
});

test("the page's scripts can neither replace nor change the bridge", () => {
  const { page } = bridgePage();
  page.run("try { __hyperframesRender.seek = null; } catch {} try { window.__hyperframesRender = {}; } catch {}");
  assert.equal(typeof page.window.__hyperframesRender.seek, "function");
});
