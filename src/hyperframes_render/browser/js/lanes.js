// The lanes of data-automation: values over an element's own time, and where in its file a lane of rates has led.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderLanes")) return;
  const { JSON } = window;
  const MOST_POINTS = 512;
  // Straight pieces by which a bent stretch is drawn: a second of volume, and a stretch of rates.
  const PIECES_PER_SECOND = 30;
  // Of one stretch of volume, however long it is.
  const MOST_PIECES = 10_000;
  const RATE_PIECES = 48;
  const RANGES = { volume: [0, 10 ** (12 / 20)], rate: [0.1, 10] };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  function finite(value) {
    const number = typeof value === "string" && value.trim() ? Number(value) : value;
    return typeof number === "number" && Number.isFinite(number) ? number : null;
  }

  function lanesOf(element) {
    try {
      const parsed = JSON.parse(element.getAttribute("data-automation") ?? "null");
      return parsed?.version === 1 && Array.isArray(parsed.lanes)
        ? parsed.lanes.filter((lane) => Array.isArray(lane?.points))
        : [];
    } catch {
      return [];
    }
  }

  // The points in order of time, each time once: of several the last one counts.
  function pointsOf(lane) {
    const [low, high] = RANGES[lane.target] ?? [-Infinity, Infinity];
    const byTime = new Map();
    for (const point of lane.points) {
      const t = finite(point?.t);
      const v = finite(point?.v);
      if (t === null || v === null) continue;
      const via = [finite(point.viaX), finite(point.viaY)];
      byTime.set(Math.max(0, t), {
        t: Math.max(0, t),
        v: clamp(v, low, high),
        curve: clamp(finite(point.curve) ?? 0, -1, 1),
        via: via.includes(null) ? null : via.map((x) => clamp(x, 0.001, 0.999)),
      });
    }
    return [...byTime.values()].sort((a, b) => a.t - b.t).slice(0, MOST_POINTS);
  }

  function find(element, target) {
    const lane = lanesOf(element).find((each) => each.target === target);
    const points = lane ? pointsOf(lane) : [];
    return points.length ? points : null;
  }

  // How much of the way to the next point's value is gone at the part x of the way to its time.
  function bent(x, { curve, via }) {
    return via && Math.abs(via[0] - via[1]) >= 1e-6 ? through(x, ...via) : x ** (4 ** curve);
  }

  // A rational curve of second degree from (0, 0) to (1, 1) whose middle is (viaX, viaY). The weight of its control
  // point is the least that keeps that point inside the unit square.
  function through(x, viaX, viaY) {
    const need = (via) => (via > 0.5 ? (via - 0.5) / (0.999 - via) : (0.5 - via) / (via - 0.001));
    const weight = clamp(Math.max(need(viaX), need(viaY)), 1, 1e6);
    const at = (t, via) => {
      const turn = 2 * weight * t * (1 - t);
      return (turn * (via + (via - 0.5) / weight) + t * t) / ((1 - t) ** 2 + turn + t * t);
    };
    let [low, high] = [0, 1];
    for (let step = 0; step < 50; step++) {
      const middle = (low + high) / 2;
      if (at(middle, viaX) < x) low = middle;
      else high = middle;
    }
    return at(high, viaY);
  }

  function valueAt(points, t, mix) {
    const next = points.findIndex((point) => point.t > t);
    if (next === 0) return points[0].v;
    if (next < 0) return points.at(-1).v;
    const [from, to] = [points[next - 1], points[next]];
    return mix(from.v, to.v, bent((t - from.t) / (to.t - from.t), from));
  }
  const straight = (from, to, x) => from + (to - from) * x;
  const byRatio = (from, to, x) => from * (to / from) ** x;

  // [time, gain] points joined by straight lines, or null where there is no lane.
  function volume(element) {
    const points = find(element, "volume");
    return (
      points?.flatMap((point, index) => {
        const next = points[index + 1];
        if (!next || !(point.curve || point.via)) return [[point.t, point.v]];
        const pieces = clamp(Math.ceil((next.t - point.t) * PIECES_PER_SECOND), 2, MOST_PIECES);
        return Array.from({ length: pieces }, (_, piece) => {
          const t = point.t + ((next.t - point.t) * piece) / pieces;
          return [t, valueAt(points, t, straight)];
        });
      }) ?? null
    );
  }

  // Seconds of the file gone by at a time, and the way back: the rates summed up over time.
  function clockOf(points) {
    const sums = [[0, 0]];
    const add = (t) => {
      const [before, gone] = sums.at(-1);
      if (t > before)
        sums.push([t, gone + ((valueAt(points, before, byRatio) + valueAt(points, t, byRatio)) / 2) * (t - before)]);
    };
    add(points[0].t);
    for (let index = 1; index < points.length; index++) {
      const [from, to] = [points[index - 1].t, points[index].t];
      for (let piece = 1; piece <= RATE_PIECES; piece++) add(from + ((to - from) * piece) / RATE_PIECES);
    }
    const [first, last] = [points[0].v, points.at(-1).v];
    const through = (from, to, x, slopeBefore, slopeAfter) => {
      const end = sums.at(-1);
      if (x <= 0) return x * slopeBefore;
      if (x >= end[from]) return end[to] + (x - end[from]) * slopeAfter;
      const next = sums.findIndex((each) => each[from] > x);
      const [a, b] = [sums[next - 1], sums[next]];
      return a[to] + ((b[to] - a[to]) * (x - a[from])) / (b[from] - a[from]);
    };
    return { source: (t) => through(0, 1, t, first, last), time: (s) => through(1, 0, s, 1 / first, 1 / last) };
  }

  // The clock of the element's lane of rates, null where it has none. Asked for at every frame, so it is kept.
  const clocks = new WeakMap();
  function rate(element) {
    const text = element.getAttribute("data-automation");
    if (!text) return null;
    let known = clocks.get(element);
    if (known?.text !== text) {
      const points = find(element, "rate");
      clocks.set(element, (known = { text, clock: points && clockOf(points) }));
    }
    return known.clock;
  }

  // What moves the knobs of the element's effects from second `from` of it on, as the attribute's own JSON; "" for nothing.
  function effects(element, from = 0) {
    const lanes = lanesOf(element)
      .filter((lane) => String(lane.target).startsWith("fx."))
      .map((lane) => {
        const points = pointsOf(lane);
        const later = points.filter((point) => point.t > from || from === 0);
        const start =
          from > 0 && points.length ? [{ t: from, v: valueAt(points, from, straight), curve: 0, via: null }] : [];
        return {
          target: lane.target,
          points: [...start, ...later].map(({ t, v, curve, via }) => ({
            t: t - from,
            v,
            curve,
            ...(via && { viaX: via[0], viaY: via[1] }),
          })),
        };
      });
    return lanes.length ? JSON.stringify({ version: 1, lanes }) : "";
  }

  Object.defineProperty(window, "__hyperframesRenderLanes", { value: Object.freeze({ volume, rate, effects }) });
})();
