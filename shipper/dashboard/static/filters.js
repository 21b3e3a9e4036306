/**
 * The filters: a chip for each, and the dialog that adds one.
 */

import { ApiError, ask } from "./api.js";
import { el, fill, part } from "./dom.js";
import { count, durationTick } from "./format.js";
import { FIELDS, noFilters, queryOf, toggled } from "./view.js";

/** @typedef {import("./view.js").Store} Store */
/** @typedef {import("./view.js").Field} Field */

const STATUS_CLASSES = ["2xx", "3xx", "4xx", "5xx"].map((value) => ({ value }));
const HINTS = /** @type {Record<Field, string>} */ ({
  frontend: "a frontend's name",
  backend: "a backend's name",
  server: "a server's name",
  status: "2xx, or a code such as 503",
  method: "GET, POST, …",
  path: "a path as the table of paths shows it",
  termination: "a termination state such as sH--",
});

/**
 * Show a chip for each filter, and keep them in step with the view.
 * @param {Store} store
 */
export function chips(store) {
  const list = part("chips", HTMLElement);
  const show = () => {
    const { view } = store;
    const made = FIELDS.flatMap((field) =>
      view.filters[field].map((value) => chip(field, value, () => store.go({ filters: toggled(view, field, value) }))),
    );
    if (view.at_least_ms !== null || view.below_ms !== null)
      made.push(chip("requests", bounds(view), () => store.go({ at_least_ms: null, below_ms: null })));
    if (made.length > 1)
      made.push(el("li", {}, el("button", { type: "button", class: "clear", click: () => clear(store) }, "Clear all")));
    fill(list, ...made);
    list.hidden = made.length === 0;
  };
  store.subscribe(show);
  show();
}

/** @param {Store} store */
export function clear(store) {
  store.go({ filters: noFilters(), at_least_ms: null, below_ms: null });
}

/** @param {import("./view.js").View} view */
function bounds({ phase, at_least_ms, below_ms }) {
  const low = durationTick(at_least_ms ?? 0);
  return below_ms === null ? `${phase} from ${low}` : `${phase} ${low} – ${durationTick(below_ms)}`;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {() => void} remove
 */
function chip(name, value, remove) {
  return el(
    "li",
    {},
    el(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-label": `Remove the filter ${name} ${value}`,
        title: "Remove",
        click: remove,
      },
      el("span", { class: "dim" }, name),
      el("b", {}, value),
      el("span", { "aria-hidden": "true" }, "×"),
    ),
  );
}

/** Lets people add a filter by name and value, with the values that there are. */
export class FilterDialog {
  #dialog = part("filter", HTMLDialogElement);
  #field = part("filter-field", HTMLSelectElement);
  #value = part("filter-value", HTMLInputElement);
  #found = part("filter-found", HTMLElement);
  #asking = new AbortController();

  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    fill(this.#field, ...FIELDS.map((field) => el("option", { value: field }, field)));
    part("add-filter", HTMLButtonElement).addEventListener("click", () => this.open());
    this.#field.addEventListener("change", () => this.#look());
    this.#value.addEventListener("input", () => this.#narrow());
    this.#value.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // the first button of the form would close it
      this.#dialog.close("add");
    });
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  open() {
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#look();
  }

  #closed() {
    this.#asking.abort();
    const [field, value] = [/** @type {Field} */ (this.#field.value), this.#value.value.trim()];
    this.#value.value = "";
    if (this.#dialog.returnValue !== "add" || value === "" || this.store.view.filters[field].includes(value)) return;
    this.store.go({ filters: toggled(this.store.view, field, value) });
  }

  async #look() {
    this.#asking.abort();
    const asking = new AbortController();
    this.#asking = asking;
    const field = /** @type {Field} */ (this.#field.value);
    this.#value.placeholder = HINTS[field];
    fill(this.#found, el("p", { class: "dim" }, "Looking for values …"));
    try {
      const view = { ...this.store.view, filters: { ...this.store.view.filters, [field]: [] } };
      const { rows } = await ask("values", queryOf(view, { field }), asking.signal);
      this.#offer(field === "status" ? [...STATUS_CLASSES, ...rows] : rows);
    } catch (error) {
      if (asking.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      fill(this.#found, el("p", { class: "dim" }, `${error.message} ${error.todo}`));
    }
  }

  /** @param {{value: string, count?: number}[]} rows */
  #offer(rows) {
    fill(
      this.#found,
      ...rows.map(({ value, count: n }) => {
        const choose = () => {
          this.#value.value = value;
          this.#dialog.close("add");
        };
        return el(
          "button",
          { type: "button", "data-value": value, click: choose },
          el("span", {}, value),
          n !== undefined && el("span", { class: "dim" }, count(n)),
        );
      }),
      rows.length === 0 && el("p", { class: "dim" }, "There are none in this range; a value can be typed."),
    );
    this.#narrow();
  }

  #narrow() {
    const typed = this.#value.value.trim().toLowerCase();
    for (const button of this.#found.querySelectorAll("button"))
      button.hidden = !(button.dataset.value ?? "").toLowerCase().includes(typed);
  }
}
