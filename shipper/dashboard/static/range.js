/**
 * Ranges of time: what the address says, and the ways to move it. Pure.
 */

import { RANGES } from "./view.js";

/** @typedef {{from: string, to: string}} Ends */

const UNITS_MS = /** @type {Record<string, number>} */ ({
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
});
const WIDTH_MS_MIN = 1000;
/** The longer a range, the more a new answer costs, and the less it differs: seconds between two, up to a width. */
const REFRESH_S = [
  [3 * 3_600_000, 10],
  [12 * 3_600_000, 30],
  [Number.POSITIVE_INFINITY, 60],
];

/**
 * The instant that one end of a range means, or NaN: `now`, `now-90m`, ISO 8601, or milliseconds.
 * @param {string} end
 * @param {number} now
 */
export function instant(end, now) {
  const relative = /^now(?:-(\d{1,6})([smhd]))?$/.exec(end);
  if (relative) return now - Number(relative[1] ?? 0) * (UNITS_MS[relative[2] ?? "s"] ?? 0);
  return /^-?\d+$/.test(end) ? Number(end) : Date.parse(end);
}

/**
 * A range in words.
 * @param {Ends} ends
 * @param {number} now
 * @param {import("./format.js").Clock} clock
 */
export function inWords(ends, now, clock) {
  if (ends.to === "now") {
    const known = RANGES.find(([from]) => from === ends.from);
    if (known) return known[1];
    if (ends.from.startsWith("now-")) return `Last ${ends.from.slice(4, -1)} ${ends.from.slice(-1)}`;
  }
  const [from, to] = [instant(ends.from, now), instant(ends.to, now)];
  return Number.isNaN(from) || Number.isNaN(to) ? "A range that is none" : clock.between(from, to);
}

/**
 * The range between two instants, in either order.
 * @param {number} one
 * @param {number} other
 * @returns {Ends}
 */
export function between(one, other) {
  const from = Math.min(one, other);
  const to = Math.max(one, other, from + WIDTH_MS_MIN);
  return { from: iso(from), to: iso(to) };
}

/**
 * The range moved by a share of its width: -0.5 is half of it earlier. What reaches the present stays there.
 * @param {Ends} ends
 * @param {number} part
 * @param {number} now
 * @returns {Ends}
 */
export function moved(ends, part, now) {
  const [from, to] = [instant(ends.from, now), instant(ends.to, now)];
  const by = Math.min((to - from) * part, Math.max(now - to, 0));
  return between(from + by, to + by);
}

/**
 * The range twice as wide, round its middle, and not beyond the present.
 * @param {Ends} ends
 * @param {number} now
 * @returns {Ends}
 */
export function widened(ends, now) {
  const [from, to] = [instant(ends.from, now), instant(ends.to, now)];
  const half = (to - from) / 2;
  if (ends.to === "now") {
    const wider = RANGES.find(([start]) => instant(start, now) <= from - half);
    return wider ? { from: wider[0], to: "now" } : ends;
  }
  const end = Math.min(to + half, Math.max(now, to));
  return between(end - half * 4, end);
}

/**
 * Seconds between two rounds of questions, 0 for none: what ends in the past does not change.
 * @param {Ends & {refresh: number | null}} view
 */
export function refresh_s(view) {
  if (view.to !== "now") return 0;
  if (view.refresh !== null) return view.refresh;
  const width = -instant(view.from, 0);
  return REFRESH_S.find(([up_to]) => width <= (up_to ?? 0))?.[1] ?? 60;
}

/** @param {number} ms */
function iso(ms) {
  return new Date(Math.round(ms)).toISOString();
}
