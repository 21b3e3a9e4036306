/**
 * A panel: a frame that asks for its data, and says how that stands.
 *
 * 1. Panels know nothing of each other: one that fails or is slow leaves the others alone.
 * 2. A question that another view has overtaken is given up.
 * 3. What was shown stays until there is something newer; when it is too old it is grey. What is drawn again keeps the
 *    focus and what is unfolded.
 */

import { ApiError, ask } from "./api.js";
import { el, fill } from "./dom.js";
import { noFilters, queryOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./app.js").Tools} Tools */
/** @typedef {(name: string, more?: Record<string, string | number | null>) => Promise<any>} Ask */
/**
 * @template T
 * @typedef {object} Spec
 * @property {string} name
 * @property {string} title
 * @property {string} [hint] what it shows, for the curious
 * @property {"third" | "half" | "most" | "full"} size
 * @property {(view: View, ask: Ask) => Promise<T>} ask
 * @property {(view: View) => unknown[]} [needs] what of the view it asks with, besides range and filters
 * @property {(data: T) => boolean} empty
 * @property {string} [nothing] what to say when it is
 * @property {(data: T, view: View) => string | void} paint gives what is noted beside the title
 * @property {Element[]} body
 * @property {Element[]} [controls]
 * @property {boolean} [always] ask also out of sight: others need the answer
 */

/** @template T */
export class Panel {
  /** @type {AbortController | null} */
  #asking = null;
  /** @type {T | null} */
  #data = null;
  /** @type {ApiError | null} */
  error = null;
  due = true;
  #near = false;

  /**
   * @param {Spec<T>} spec
   * @param {Tools} tools
   */
  constructor(spec, tools) {
    this.spec = spec;
    this.tools = tools;
    this.message = el("div", { class: "message", hidden: true });
    this.body = el("div", { class: "body" }, ...spec.body);
    this.note = el("p", { class: "note" });
    this.element = el(
      "section",
      {
        class: "panel",
        id: spec.name,
        "data-size": spec.size,
        "data-state": "new",
        "aria-labelledby": `${spec.name}-title`,
      },
      el(
        "header",
        {},
        el("h2", { id: `${spec.name}-title`, title: spec.hint }, spec.title),
        this.note,
        ...(spec.controls ?? []),
      ),
      this.message,
      this.body,
    );
  }

  /** Whether it is in sight, or as good as. */
  get visible() {
    return this.#near || this.spec.always === true;
  }

  set visible(near) {
    this.#near = near;
  }

  /**
   * The view has changed: ask again if it matters here.
   * @param {View} view
   * @param {View} before
   */
  async change(view, before) {
    if (this.#key(view) !== this.#key(before)) await this.load(view);
    else if (this.#data !== null && this.error === null) this.#paint(this.#data, view);
  }

  /**
   * Ask, and show the answer; when it is not in sight, do so once it is.
   * @param {View} view
   */
  async load(view) {
    this.due = true;
    if (!this.visible) return;
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.element.setAttribute("aria-busy", "true");
    try {
      const data = await this.spec.ask(view, (name, more) => ask(name, queryOf(view, more), asking.signal));
      if (!asking.signal.aborted) this.#show(data, view);
    } catch (error) {
      if (!asking.signal.aborted) this.#fail(error);
    } finally {
      if (this.#asking === asking) {
        this.#asking = null;
        this.element.removeAttribute("aria-busy");
      }
    }
  }

  /**
   * @param {T} data
   * @param {View} view
   */
  #show(data, view) {
    this.due = false;
    this.error = null;
    this.#data = data;
    const empty = this.spec.empty(data);
    this.#state(empty ? "empty" : "ready");
    this.#tell(...(empty ? this.#advice(view) : []));
    if (empty) this.note.textContent = "";
    else this.#paint(data, view);
  }

  /**
   * @param {T} data
   * @param {View} view
   */
  #paint(data, view) {
    if (this.spec.empty(data)) return;
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const key = focused instanceof HTMLElement ? focused.dataset.key : undefined;
    this.note.textContent = this.spec.paint(data, view) ?? "";
    if (key !== undefined && !focused?.isConnected)
      /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-key="${CSS.escape(key)}"]`))?.focus();
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!(error instanceof ApiError)) throw error;
    this.error = error;
    const [had, everywhere] = [this.#data !== null, error.everywhere];
    this.#state(had ? "stale" : "failed");
    if (everywhere) this.#tell(...(had ? [] : [el("p", {}, "Nothing to show yet.")]));
    else {
      const again = () => this.load(this.tools.store.view);
      this.#tell(
        el("p", {}, el("strong", {}, error.message)),
        el("p", {}, error.todo),
        el("button", { type: "button", click: again }, "Try again"),
      );
    }
  }

  /**
   * @param {View} view
   * @returns {Element[]}
   */
  #advice(view) {
    const { store } = this.tools;
    const filtered = Object.values(view.filters).some((values) => values.length > 0);
    return [
      el("p", {}, this.spec.nothing ?? `No traffic in this range${filtered ? " with these filters" : ""}.`),
      el(
        "p",
        { class: "ways" },
        filtered &&
          el("button", { type: "button", click: () => store.go({ filters: noFilters() }) }, "Remove the filters"),
        view.from !== "now-24h" &&
          el("button", { type: "button", click: () => store.go({ from: "now-24h", to: "now" }) }, "Last 24 hours"),
      ),
    ];
  }

  /** @param {"ready" | "empty" | "stale" | "failed"} state */
  #state(state) {
    this.element.dataset.state = state;
  }

  /** @param {...Element} what */
  #tell(...what) {
    fill(this.message, ...what);
    this.message.hidden = what.length === 0;
  }

  /** @param {View} view */
  #key(view) {
    return JSON.stringify([view.from, view.to, view.filters, this.spec.needs?.(view)]);
  }
}
