/**
 * Where the ticks of a value axis stand, and where it ends: at 1, 2 and 5 times a power of ten. Pure.
 *
 * The logarithmic axis is asinh: it has a place for 0, and from a few milliseconds on it cannot be told from log.
 */

const TICKS_MAX = 7;

/**
 * The ends of an axis that shows values from `low` to `high`.
 * @param {number | null} low
 * @param {number | null} high
 * @param {boolean} log
 * @returns {[number, number]}
 */
export function ends(low, high, log) {
  if (high === null || !(high > 0)) return [0, 1];
  if (!log) return [0, above(high * 1.02, linearSteps(high))];
  const start = low !== null && low >= 2 ? below(low) : 0;
  return [start, high * 1.1];
}

/**
 * The ticks between two ends.
 * @param {number} low
 * @param {number} high
 * @param {boolean} log
 * @param {boolean} [whole] of what comes in whole numbers
 */
export function ticks(low, high, log, whole = false) {
  return log ? logTicks(low, high) : linearTicks(low, high, whole ? 1 : 0);
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} least between two
 */
function linearTicks(low, high, least) {
  const step = Math.max(linearSteps(high - low), least);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high * 1.0001; at++) found.push(at * step);
  return found;
}

/** @param {number} width */
function linearSteps(width) {
  const raw = width / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * (raw / power > 5 ? 10 : raw / power > 2 ? 5 : raw / power > 1 ? 2 : 1);
}

/**
 * @param {number} low
 * @param {number} high
 */
function logTicks(low, high) {
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    const found = low <= 0 ? [0] : [];
    for (let power = 1; power <= high; power *= 10)
      for (const factor of factors) if (power * factor >= low && power * factor <= high) found.push(power * factor);
    if (found.length <= TICKS_MAX || factors.length === 1) return found;
  }
  return [];
}

/**
 * @param {number} value
 * @param {number} step
 */
function above(value, step) {
  return Math.ceil(value / step) * step;
}

/** @param {number} value */
function below(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * (value / power >= 5 ? 5 : value / power >= 2 ? 2 : 1);
}
