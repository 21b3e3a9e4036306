/**
 * Numbers and times as people read them: one way for each kind, everywhere on the page.
 */

export const NOTHING = "–";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** @typedef {number | null | undefined} Maybe */

/**
 * Milliseconds: `0 ms`, `340 ms`, `1.24 s`, `30.0 s`, `4,210 s`.
 * @param {Maybe} ms
 */
export function duration(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms < 9.95 && ms % 1 > 0.05) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 9.995) return `${s.toFixed(2)} s`;
  return s < 99.95 ? `${s.toFixed(1)} s` : `${WHOLE.format(s)} s`;
}

/**
 * The same for the axis of a chart: without needless zeros.
 * @param {number} ms
 */
export function durationTick(ms) {
  return ms < 1000 ? `${+ms.toPrecision(3)} ms` : `${SHORT.format(ms / 1000)} s`;
}

/**
 * How many, in full.
 * @param {Maybe} n
 */
export function count(n) {
  return n === null || n === undefined ? NOTHING : WHOLE.format(n);
}

/**
 * How many, in little space: `12.3K`.
 * @param {Maybe} n
 */
export function countShort(n) {
  if (n === null || n === undefined) return NOTHING;
  return n < 1000 ? String(+n.toPrecision(3)) : SHORT.format(n);
}

/**
 * How many a second.
 * @param {Maybe} perS
 */
export function rate(perS) {
  if (perS === null || perS === undefined) return NOTHING;
  if (perS >= 1000) return `${WHOLE.format(perS)}/s`;
  return `${perS === 0 ? 0 : +perS.toPrecision(perS < 1 ? 2 : 3)}/s`;
}

/**
 * A share of one, in percent.
 * @param {Maybe} part
 */
export function share(part) {
  if (part === null || part === undefined || Number.isNaN(part)) return NOTHING;
  if (part === 0) return "0%";
  const percent = part * 100;
  return percent < 0.01 ? "<0.01%" : `${+percent.toPrecision(percent < 1 ? 2 : 3)}%`;
}

/**
 * Bytes in units of 1,024.
 * @param {Maybe} n
 */
export function bytes(n) {
  if (n === null || n === undefined) return NOTHING;
  const power = Math.min(Math.floor(Math.log2(Math.max(n, 1)) / 10), 4);
  return power === 0 ? `${n} B` : `${+(n / 1024 ** power).toPrecision(3)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

/**
 * How long something lasts, roughly: `45 s`, `10 min`, `3 h`, `7 d`.
 * @param {number} ms
 */
export function span(ms) {
  const s = ms / 1000;
  if (s < 120) return `${+s.toPrecision(3)} s`;
  if (s < 7200) return `${+(s / 60).toPrecision(3)} min`;
  return s < 172_800 ? `${+(s / 3600).toPrecision(3)} h` : `${+(s / 86_400).toPrecision(3)} d`;
}

/** A clock of one time zone. The Swedish write dates as ISO 8601 does. */
export class Clock {
  /** @param {"local" | "utc"} zone */
  constructor(zone) {
    this.utc = zone === "utc";
    const timeZone = this.utc ? "UTC" : undefined;
    this.name = this.utc ? "UTC" : new Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.day = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" });
    this.time = new Intl.DateTimeFormat("sv-SE", { timeZone, timeStyle: "medium" });
    this.month = new Intl.DateTimeFormat("en-GB", { timeZone, day: "numeric", month: "short" });
  }

  /**
   * `2026-11-21 05:02:17`
   * @param {number} ms
   */
  instant(ms) {
    return `${this.day.format(ms)} ${this.time.format(ms)}`;
  }

  /**
   * `2026-11-21 05:02:17.873`
   * @param {number} ms
   */
  exactly(ms) {
    return `${this.instant(ms)}.${String(Math.floor(ms) % 1000).padStart(3, "0")}`;
  }

  /**
   * Two instants, the day said once where it is one.
   * @param {number} from
   * @param {number} to
   */
  between(from, to) {
    const same = this.day.format(from) === this.day.format(to);
    return `${this.instant(from)} – ${same ? this.time.format(to) : this.instant(to)}`;
  }

  /**
   * The labels of a time axis: the time, and the day below the first and where it changes.
   * @param {number[]} ticks
   * @param {number} step_ms
   */
  ticks(ticks, step_ms) {
    let last = "";
    return ticks.map((tick) => {
      const day = this.month.format(tick);
      const shown = step_ms >= 86_400_000 ? day : this.time.format(tick).slice(0, step_ms < 60_000 ? 8 : 5);
      const below = day === last || step_ms >= 86_400_000 ? "" : `\n${day}`;
      last = day;
      return shown + below;
    });
  }

  /**
   * What `datetime-local` inputs hold.
   * @param {number} ms
   */
  input(ms) {
    return this.instant(ms).replace(" ", "T");
  }

  /**
   * The instant that such an input means, or NaN.
   * @param {string} text
   */
  read(text) {
    return Date.parse(this.utc ? `${text}Z` : text);
  }

  /**
   * A date whose local parts are those of this zone: what uPlot places its ticks by.
   * @param {number} ms
   */
  date(ms) {
    return this.utc ? uPlot.tzDate(new Date(ms), "Etc/UTC") : new Date(ms);
  }
}
