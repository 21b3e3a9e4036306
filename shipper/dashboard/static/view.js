/**
 * What is looked at: a range, filters, and how it is shown.
 *
 * 1. The address is the state: every view is a link, and the back button goes one view back.
 * 2. What is at its default is not in the address.
 * 3. What the address holds is checked here, except values of filters, which are only ever compared.
 */

export const FIELDS = /** @type {const} */ ([
  "frontend",
  "backend",
  "server",
  "status",
  "method",
  "path",
  "termination",
]);
export const PHASES = /** @type {const} */ (["total", "request", "queue", "connect", "response", "data"]);
export const PERCENTS = /** @type {const} */ (["50", "75", "90", "95", "99", "99.9", "max"]);
export const RANGES = /** @type {const} */ ([
  ["now-5m", "Last 5 minutes"],
  ["now-15m", "Last 15 minutes"],
  ["now-1h", "Last hour"],
  ["now-3h", "Last 3 hours"],
  ["now-6h", "Last 6 hours"],
  ["now-24h", "Last 24 hours"],
  ["now-3d", "Last 3 days"],
  ["now-7d", "Last 7 days"],
  ["now-30d", "Last 30 days"],
]);
/** What of the view is one of a few values; the first is the default. */
export const CHOICES = {
  phase: PHASES,
  axis: /** @type {const} */ (["log", "linear"]),
  compare: /** @type {const} */ (["", "day", "week"]),
  theme: /** @type {const} */ (["", "light", "dark"]),
  zone: /** @type {const} */ (["local", "utc"]),
  order: /** @type {const} */ (["slowest", "latest"]),
  paths: /** @type {const} */ (["p99", "requests"]),
};
const FILTERS_MAX = 20; // of one field: an address has to stay one that can be sent

/** @typedef {(typeof FIELDS)[number]} Field */
/** @typedef {(typeof PHASES)[number]} PhaseName */
/**
 * @typedef {object} View
 * @property {string} from
 * @property {string} to
 * @property {Record<Field, string[]>} filters
 * @property {PhaseName} phase
 * @property {"log" | "linear"} axis
 * @property {"" | "day" | "week"} compare
 * @property {"" | "light" | "dark"} theme
 * @property {"local" | "utc"} zone
 * @property {"slowest" | "latest"} order of the lines
 * @property {"p99" | "requests"} paths the order of the paths
 * @property {string} sort the column that backends are sorted by
 * @property {string[]} hide percentiles that are not drawn
 * @property {number | null} refresh seconds, 0 for never, null for what suits the range
 * @property {number | null} at_least_ms of the phase's timer, for the lines
 * @property {number | null} below_ms
 * @property {string} line the line that is open: `INDEX/ID`
 */

/**
 * Read an address's query.
 * @param {string} search
 * @returns {View}
 */
export function readView(search) {
  const given = new URLSearchParams(search);
  /** @param {keyof typeof CHOICES} name */
  const choice = (name) => {
    const known = /** @type {readonly string[]} */ (CHOICES[name]);
    const value = given.get(name) ?? "";
    return /** @type {any} */ (known.includes(value) ? value : known[0]);
  };
  const hidden = (given.get("hide") ?? "").split(",");
  return {
    from: given.get("from") || "now-1h",
    to: given.get("to") || "now",
    filters: filtersOf((field) => unique(given.getAll(field)).slice(0, FILTERS_MAX)),
    phase: choice("phase"),
    axis: choice("axis"),
    compare: choice("compare"),
    theme: choice("theme"),
    zone: choice("zone"),
    order: choice("order"),
    paths: choice("paths"),
    sort: given.get("sort") ?? "-requests",
    hide: PERCENTS.filter((percent) => hidden.includes(percent)),
    refresh: number(given.get("refresh")),
    at_least_ms: number(given.get("at_least_ms")),
    below_ms: number(given.get("below_ms")),
    line: given.get("line") ?? "",
  };
}

/**
 * Write it: the inverse of readView.
 * @param {View} view
 */
export function writeView(view) {
  const plain = readView("");
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) {
    if (name === "filters") addFilters(query, view);
    else if (String(value ?? "") !== String(plain[/** @type {keyof View} */ (name)] ?? ""))
      query.set(name, String(value));
  }
  return query.toString();
}

/**
 * What the server is asked with.
 * @param {View} view
 * @param {Record<string, string | number | null>} [more]
 */
export function queryOf(view, more = {}) {
  const query = new URLSearchParams({ from: view.from, to: view.to });
  addFilters(query, view);
  for (const [name, value] of Object.entries(more)) if (value !== null) query.set(name, String(value));
  return query;
}

/**
 * Whether the range ends now, and goes on.
 * @param {View} view
 */
export function isLive(view) {
  return view.to === "now";
}

/**
 * Add a value to a filter, or take it away.
 * @param {View} view
 * @param {Field} field
 * @param {string} value
 * @returns {Record<Field, string[]>}
 */
export function toggled(view, field, value) {
  const had = view.filters[field];
  const has = had.includes(value) ? had.filter((one) => one !== value) : [...had, value];
  return { ...view.filters, [field]: has };
}

/** No filter at all. */
export function noFilters() {
  return filtersOf(() => []);
}

/** Holds the view of a window; tells of changes with the view before. */
export class Store {
  /** @type {((view: View, before: View) => void)[]} */
  #listeners = [];

  constructor() {
    this.view = readView(location.search);
    addEventListener("popstate", () => this.#become(readView(location.search)));
  }

  /** @param {(view: View, before: View) => void} listener */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /**
   * Go to a changed view: one step for the back button.
   * @param {Partial<View>} changes
   */
  go(changes) {
    const view = { ...this.view, ...changes };
    if (writeView(view) === writeView(this.view)) return;
    history.pushState(null, "", this.link(changes));
    this.#become(view);
  }

  /**
   * The address of a changed view.
   * @param {Partial<View>} changes
   */
  link(changes) {
    const query = writeView({ ...this.view, ...changes });
    return query ? `?${query}` : location.pathname;
  }

  /** @param {View} view */
  #become(view) {
    const before = this.view;
    this.view = view;
    for (const listener of this.#listeners) listener(view, before);
  }
}

/**
 * @param {URLSearchParams} query
 * @param {View} view
 */
function addFilters(query, view) {
  for (const field of FIELDS) for (const value of view.filters[field]) query.append(field, value);
}

/**
 * @param {(field: Field) => string[]} values
 * @returns {Record<Field, string[]>}
 */
function filtersOf(values) {
  return /** @type {any} */ (Object.fromEntries(FIELDS.map((field) => [field, values(field)])));
}

/** @param {string[]} values */
function unique(values) {
  return [...new Set(values)].filter((value) => value !== "");
}

/** @param {string | null} text */
function number(text) {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
