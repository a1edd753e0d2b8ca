// The lanes of data-automation: values over the time since an element's start, in seconds. A lane of rates also gives the
// position in the element's file.
(() => {
  "use strict";
  if (window !== window.top || Object.hasOwn(window, "__hyperframesRenderLanes")) return;
  const { JSON } = window;
  const MOST_POINTS = 512;
  // A curve between two points is approximated by straight pieces: of volume, per second and at most; of rates, in all.
  const PIECES_PER_SECOND = 30;
  const MOST_PIECES = 10_000;
  const RATE_PIECES = 48;
  // Lowest and highest value; the highest volume is +12 dB.
  /** @type {Record<string, [number, number]>} */
  const RANGES = { volume: [0, 10 ** (12 / 20)], rate: [0.1, 10] };

  /** @typedef {{ t: number, v: number, curve: number, via: [number, number] | null }} Point */
  /** @typedef {(from: number, to: number, x: number) => number} Mix */
  /** @typedef {{ target: string, points: Record<string, unknown>[] }} Lane */

  /** @type {(value: number, low: number, high: number) => number} */
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  // An item of a list that is known to exist.
  /** @type {<T>(list: T[], index: number) => T} */
  const at = (list, index) => /** @type {any} */ (list[index]);

  // The value as a finite number; null for anything else.
  /** @param {unknown} value */
  function finite(value) {
    const number = typeof value === "string" && value.trim() ? Number(value) : value;
    return typeof number === "number" && Number.isFinite(number) ? number : null;
  }

  /** @type {(element: Element) => Lane[]} */
  function lanesOf(element) {
    try {
      const parsed = JSON.parse(element.getAttribute("data-automation") ?? "null");
      return parsed?.version === 1 && Array.isArray(parsed.lanes)
        ? parsed.lanes.filter((/** @type {Partial<Lane> | null} */ lane) => Array.isArray(lane?.points))
        : [];
    } catch {
      return [];
    }
  }

  // The points in order of time. Of several points at one time, the last one counts.
  /** @type {(lane: Lane) => Point[]} */
  function pointsOf(lane) {
    const [low, high] = RANGES[lane.target] ?? [-Infinity, Infinity];
    /** @type {Map<number, Point>} */
    const byTime = new Map();
    for (const point of lane.points) {
      const t = finite(point?.t);
      const v = finite(point?.v);
      if (t === null || v === null) continue;
      const [viaX, viaY] = [finite(point.viaX), finite(point.viaY)];
      byTime.set(Math.max(0, t), {
        t: Math.max(0, t),
        v: clamp(v, low, high),
        curve: clamp(finite(point.curve) ?? 0, -1, 1),
        via: viaX === null || viaY === null ? null : [clamp(viaX, 0.001, 0.999), clamp(viaY, 0.001, 0.999)],
      });
    }
    return [...byTime.values()].sort((a, b) => a.t - b.t).slice(0, MOST_POINTS);
  }

  // The points of the element's lane for a target; null if there are none.
  /** @type {(element: Element, target: string) => Point[] | null} */
  function find(element, target) {
    const lane = lanesOf(element).find((each) => each.target === target);
    const points = lane ? pointsOf(lane) : [];
    return points.length ? points : null;
  }

  // Interpolates from one point to the next: `x` is the fraction of the time, the result the fraction of the value.
  /** @type {(x: number, point: Point) => number} */
  function curved(x, { curve, via }) {
    return via && Math.abs(via[0] - via[1]) >= 1e-6 ? through(x, ...via) : x ** (4 ** curve);
  }

  // A rational quadratic Bézier curve from (0, 0) to (1, 1) whose middle is (viaX, viaY). The weight of its control point is
  // the smallest that keeps this point inside the unit square.
  /** @type {(x: number, viaX: number, viaY: number) => number} */
  function through(x, viaX, viaY) {
    const need = (/** @type {number} */ via) => (via > 0.5 ? (via - 0.5) / (0.999 - via) : (0.5 - via) / (via - 0.001));
    const weight = clamp(Math.max(need(viaX), need(viaY)), 1, 1e6);
    const coordinate = (/** @type {number} */ t, /** @type {number} */ via) => {
      const middle = 2 * weight * t * (1 - t);
      return (middle * (via + (via - 0.5) / weight) + t * t) / ((1 - t) ** 2 + middle + t * t);
    };
    let [low, high] = [0, 1];
    for (let step = 0; step < 50; step++) {
      const middle = (low + high) / 2;
      if (coordinate(middle, viaX) < x) low = middle;
      else high = middle;
    }
    return coordinate(high, viaY);
  }

  // The value at time `t` of a list of points that is not empty.
  /** @type {(points: Point[], t: number, mix: Mix) => number} */
  function valueAt(points, t, mix) {
    const next = points.findIndex((point) => point.t > t);
    const to = at(points, next < 0 ? points.length - 1 : next);
    if (next <= 0) return to.v;
    const from = at(points, next - 1);
    return mix(from.v, to.v, curved((t - from.t) / (to.t - from.t), from));
  }
  /** @type {Mix} */
  const straight = (from, to, x) => from + (to - from) * x;
  /** @type {Mix} */
  const byRatio = (from, to, x) => from * (to / from) ** x;

  // [time, gain] points of the volume, to be joined by straight lines; null if there is no lane.
  /** @type {RenderLanes["volume"]} */
  function volume(element) {
    const points = find(element, "volume");
    if (!points) return null;
    /** @type {Points} */
    const result = [];
    points.forEach((point, index) => {
      const next = points[index + 1];
      if (!next || !(point.curve || point.via)) {
        result.push([point.t, point.v]);
        return;
      }
      const pieces = clamp(Math.ceil((next.t - point.t) * PIECES_PER_SECOND), 2, MOST_PIECES);
      for (let piece = 0; piece < pieces; piece++) {
        const t = point.t + ((next.t - point.t) * piece) / pieces;
        result.push([t, valueAt(points, t, straight)]);
      }
    });
    return result;
  }

  // Converts time to seconds of the file, and back: the integral of the rates over time.
  /** @type {(points: Point[]) => MediaClock} */
  function clockOf(points) {
    /** @type {Points} */
    const sums = [[0, 0]];
    const add = (/** @type {number} */ t) => {
      const [before, gone] = at(sums, sums.length - 1);
      if (t > before)
        sums.push([t, gone + ((valueAt(points, before, byRatio) + valueAt(points, t, byRatio)) / 2) * (t - before)]);
    };
    add(at(points, 0).t);
    for (let index = 1; index < points.length; index++) {
      const [from, to] = [at(points, index - 1).t, at(points, index).t];
      for (let piece = 1; piece <= RATE_PIECES; piece++) add(from + ((to - from) * piece) / RATE_PIECES);
    }
    const [first, last] = [at(points, 0).v, at(points, points.length - 1).v];
    /** @type {(from: 0 | 1, to: 0 | 1, x: number, slopeBefore: number, slopeAfter: number) => number} */
    const convert = (from, to, x, slopeBefore, slopeAfter) => {
      const end = at(sums, sums.length - 1);
      if (x <= 0) return x * slopeBefore;
      if (x >= end[from]) return end[to] + (x - end[from]) * slopeAfter;
      const next = sums.findIndex((each) => each[from] > x);
      const [a, b] = [at(sums, next - 1), at(sums, next)];
      return a[to] + ((b[to] - a[to]) * (x - a[from])) / (b[from] - a[from]);
    };
    return { source: (t) => convert(0, 1, t, first, last), time: (s) => convert(1, 0, s, 1 / first, 1 / last) };
  }

  // The clock of the element's lane of rates; null if there is no lane. It is cached, since every frame needs it.
  /** @type {WeakMap<Element, { text: string, clock: MediaClock | null }>} */
  const clocks = new WeakMap();
  /** @type {RenderLanes["rate"]} */
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

  // The lanes of the element's effect parameters from second `from` on, as JSON in the form of the attribute; "" if there
  // are none.
  /** @type {RenderLanes["effects"]} */
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
