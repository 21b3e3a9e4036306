/**
 * The page: read me first. Names its panels from top to bottom, and connects them to the view.
 *
 * 1. The view is the address (view.js); whatever changes it, everything else follows.
 * 2. Panels ask for themselves (panel.js), when their turn comes (rounds.js).
 * 3. Nothing that comes from a log line is ever more than text (dom.js).
 */

import { backendsPanel, clientsPanel, eventsPanel, pathsPanel, tlsPanel } from "./breakdown.js";
import { el, fill, part } from "./dom.js";
import { chips, clear, FilterDialog } from "./filters.js";
import { clockOf, head, nextTheme, nextZone, RangeMoves } from "./header.js";
import { healthPanel } from "./health.js";
import { listen } from "./keys.js";
import { heatmapPanel, percentilesPanel, phasesPanel } from "./latency.js";
import { linesPanel } from "./lines.js";
import { Marks } from "./marks.js";
import { Palette } from "./palette.js";
import { Panel } from "./panel.js";
import { refresh_s } from "./range.js";
import { Rounds } from "./rounds.js";
import { pressurePanel, ratePanel, terminationsPanel } from "./traffic.js";
import { CHOICES, isLive, PHASES, Store, toggled } from "./view.js";

/**
 * What every panel may use.
 * @typedef {object} Tools
 * @property {Store} store
 * @property {Palette} palette
 * @property {Marks} marks
 * @property {() => import("./format.js").Clock} clock
 * @property {(field: import("./view.js").Field, value: string) => void} toggle
 * @property {(words: string) => void} say read out to those who do not see the page
 */

const store = new Store();
const theme = () => {
  document.documentElement.dataset.theme = store.view.theme;
};
theme();
const spoken = el("p", { class: "spoken", "aria-live": "polite" });
document.body.append(spoken);

/** @type {Tools} */
const tools = {
  store,
  palette: new Palette(),
  marks: new Marks(),
  clock: clockOf(store),
  toggle: (field, value) => store.go({ filters: toggled(store.view, field, value) }),
  say: (words) => fill(spoken, words),
};
store.subscribe((view, before) => {
  theme();
  if (view.theme !== before.theme) tools.palette.forget();
});

const panels = [
  percentilesPanel(tools),
  phasesPanel(tools),
  ratePanel(tools),
  heatmapPanel(tools),
  backendsPanel(tools),
  pathsPanel(tools),
  clientsPanel(),
  linesPanel(tools),
  terminationsPanel(tools),
  pressurePanel(tools),
  tlsPanel(),
  eventsPanel(tools),
  healthPanel(),
].map((spec) => new Panel(/** @type {import("./panel.js").Spec<any>} */ (spec), tools));

fill(part("panels", HTMLElement), ...panels.map((panel) => panel.element));
const rounds = new Rounds(panels, store, told);
const moves = new RangeMoves(store);
head(tools, moves, () => rounds.again());
chips(store);
const filters = new FilterDialog(store);
listen([
  { keys: ["r"], words: "refresh now", act: () => rounds.again() },
  { keys: ["g"], words: "choose the range", act: () => part("range-menu", HTMLElement).showPopover() },
  { keys: [","], words: "earlier", act: () => moves.move(-0.5) },
  { keys: ["."], words: "later", act: () => moves.move(0.5) },
  { keys: ["z"], words: "zoom out", act: () => moves.widen() },
  { keys: ["n"], words: "the last hour, up to now", act: () => store.go({ from: "now-1h", to: "now" }) },
  { keys: ["f", "/"], words: "add a filter", act: () => filters.open() },
  { keys: ["x"], words: "remove all filters", act: () => clear(store) },
  { keys: ["p"], words: "the next phase", act: () => store.go({ phase: after(PHASES, store.view.phase) }) },
  {
    keys: ["a"],
    words: "linear or logarithmic axis",
    act: () => store.go({ axis: after(CHOICES.axis, store.view.axis) }),
  },
  {
    keys: ["c"],
    words: "compare with a day, with a week, with nothing",
    act: () => store.go({ compare: after(CHOICES.compare, store.view.compare) }),
  },
  {
    keys: ["o"],
    words: "the slowest or the latest requests",
    act: () => store.go({ order: after(CHOICES.order, store.view.order) }),
  },
  { keys: ["t"], words: "light, dark, or as the system has it", act: () => nextTheme(store) },
  { keys: ["u"], words: "local time or UTC", act: () => nextZone(store) },
]);

/**
 * Say how the last round ended.
 * @param {{error: import("./api.js").ApiError | null, ended: number}} state
 */
function told({ error, ended }) {
  const banner = part("banner", HTMLElement);
  const since = ended ? ` What is shown is of ${tools.clock().instant(ended)}.` : "";
  document.body.classList.toggle("lost", error !== null);
  banner.hidden = error === null;
  if (error) {
    const words = `${error.message} ${error.todo}${since}`;
    if (banner.textContent !== words) fill(banner, el("strong", {}, error.message), ` ${error.todo}${since}`);
  }
  const refresh = refresh_s(store.view);
  const live = refresh > 0 && !error;
  const words = error
    ? "Trying again"
    : live
      ? `Live, every ${refresh} s`
      : isLive(store.view)
        ? "Not refreshed"
        : "A fixed range";
  const line = part("live", HTMLElement);
  line.classList.toggle("on", live);
  fill(line, words, ended && !error ? el("time", {}, `at ${tools.clock().time.format(ended)}`) : null);
}

/**
 * The value after this one, round and round.
 * @template {string} T
 * @param {readonly T[]} values
 * @param {T} value
 * @returns {T}
 */
function after(values, value) {
  return values[(values.indexOf(value) + 1) % values.length] ?? value;
}
