/**
 * The page's head: the range, what it is compared with, how often it is fetched again, the theme and the zone.
 */

import { el, fill, part } from "./dom.js";
import { Clock } from "./format.js";
import { between, instant, inWords, moved, widened } from "./range.js";
import { isLive, RANGES } from "./view.js";

/** @typedef {import("./app.js").Tools} Tools */
/** @typedef {import("./view.js").View} View */

/** @type {Record<string, "" | "light" | "dark">} */
const NEXT_THEME = { "": "dark", dark: "light", light: "" };
const THEME_WORDS = { "": "as the system has it", light: "light", dark: "dark" };

/**
 * A row of buttons of which one is chosen.
 * @template {string} T
 * @param {string} label
 * @param {readonly T[]} values
 * @param {(value: T) => void} choose
 * @param {Partial<Record<T, string>>} [words]
 */
export function choices(label, values, choose, words = {}) {
  const buttons = values.map((value) =>
    el("button", { type: "button", "aria-pressed": "false", click: () => choose(value) }, words[value] ?? value),
  );
  return {
    element: el("div", { class: "choices", role: "group", "aria-label": label }, ...buttons),
    /** @param {T} value */
    set(value) {
      for (const [i, button] of buttons.entries()) button.setAttribute("aria-pressed", String(values[i] === value));
    },
  };
}

/** What can be done with the range, from a button or a key. */
export class RangeMoves {
  /** @param {import("./view.js").Store} store */
  constructor(store) {
    this.store = store;
  }

  /** @param {number} share of its width; negative is earlier */
  move(share) {
    this.#go((view, now) => moved(view, share, now));
  }

  widen() {
    this.#go(widened);
  }

  /** @param {(view: View, now: number) => {from: string, to: string}} to */
  #go(to) {
    const { view } = this.store;
    const now = Date.now();
    if (Number.isNaN(instant(view.from, now) + instant(view.to, now))) this.store.go({ from: "now-1h", to: "now" });
    else this.store.go(to(view, now));
  }
}

/**
 * Let the head show the view, and change it.
 * @param {Tools} tools
 * @param {RangeMoves} moves
 * @param {() => void} again
 */
export function head(tools, moves, again) {
  const { store } = tools;
  /** @param {string} id @param {() => void} act */
  const click = (id, act) => part(id, HTMLButtonElement).addEventListener("click", act);
  click("earlier", () => moves.move(-0.5));
  click("later", () => moves.move(0.5));
  click("wider", () => moves.widen());
  click("again", again);
  click("theme", () => nextTheme(store));
  click("zone", () => nextZone(store));

  const compare = part("compare", HTMLSelectElement);
  compare.addEventListener("change", () => store.go({ compare: /** @type {View["compare"]} */ (compare.value) }));
  const refresh = part("refresh", HTMLSelectElement);
  refresh.addEventListener("change", () => store.go({ refresh: refresh.value === "" ? null : Number(refresh.value) }));
  rangeMenu(tools);

  const show = () => {
    const { view } = store;
    part("range", HTMLButtonElement).textContent = inWords(view, Date.now(), tools.clock());
    part("later", HTMLButtonElement).disabled = isLive(view);
    compare.value = view.compare;
    setRefresh(refresh, view.refresh);
    refresh.disabled = !isLive(view);
    part("zone", HTMLButtonElement).textContent = view.zone === "utc" ? "UTC" : "Local";
    part("theme", HTMLButtonElement).title = `Light or dark: ${THEME_WORDS[view.theme]} ( t )`;
    part("footnote", HTMLElement).textContent =
      `Times in ${tools.clock().name}. Percentiles are nearest rank over single requests; a timer that was never reached is not counted.`;
  };
  store.subscribe(show);
  show();
}

/** @param {import("./view.js").Store} store */
export function nextTheme(store) {
  store.go({ theme: NEXT_THEME[store.view.theme] ?? "" });
}

/** @param {import("./view.js").Store} store */
export function nextZone(store) {
  store.go({ zone: store.view.zone === "utc" ? "local" : "utc" });
}

/**
 * The clock of the view's zone.
 * @param {import("./view.js").Store} store
 * @returns {() => Clock}
 */
export function clockOf(store) {
  const clocks = { local: new Clock("local"), utc: new Clock("utc") };
  return () => clocks[store.view.zone];
}

/**
 * @param {HTMLSelectElement} select
 * @param {number | null} seconds
 */
function setRefresh(select, seconds) {
  const value = String(seconds ?? "");
  const known = [...select.options].some((option) => option.value === value);
  if (!known) select.append(el("option", { value }, `${value} s`));
  select.value = value;
}

/** @param {Tools} tools */
function rangeMenu({ store, clock }) {
  const menu = part("range-menu", HTMLElement);
  const [from, to] = [part("custom-from", HTMLInputElement), part("custom-to", HTMLInputElement)];
  const fault = part("custom-fault", HTMLElement);
  const presets = part("presets", HTMLElement);
  menu.addEventListener("toggle", () => {
    if (!menu.matches(":popover-open")) return;
    const place = part("range", HTMLButtonElement).getBoundingClientRect();
    menu.style.top = `${place.bottom + 6}px`;
    menu.style.left = `${Math.max(8, Math.min(place.left, innerWidth - menu.offsetWidth - 8))}px`;
    const now = Date.now();
    from.value = clock().input(instant(store.view.from, now) || now);
    to.value = clock().input(instant(store.view.to, now) || now);
    fault.textContent = "";
    fill(presets, ...RANGES.map(([start, words]) => preset(start, words)));
    /** @type {HTMLElement | null} */ (presets.querySelector("[aria-pressed=true], button"))?.focus();
  });
  /** @param {string} start @param {string} words */
  const preset = (start, words) => {
    const choose = () => {
      menu.hidePopover();
      store.go({ from: start, to: "now" });
    };
    const chosen = store.view.from === start && isLive(store.view);
    return el("li", {}, el("button", { type: "button", "aria-pressed": String(chosen), click: choose }, words));
  };
  part("custom", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const [start, end] = [clock().read(from.value), clock().read(to.value)];
    if (!(start < end)) {
      fault.textContent = "The range has to end after it begins.";
      return;
    }
    menu.hidePopover();
    store.go(between(start, end));
  });
}
