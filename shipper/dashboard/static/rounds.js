/**
 * When panels ask: at once when the view changes, and again and again while its range ends now.
 *
 * 1. One round at a time, and between two of them at least as long as the last one took: a page never piles up work.
 * 2. Nobody looks, nothing is asked: a hidden tab pauses, and panels out of sight wait until they are scrolled to.
 * 3. When Elasticsearch is lost one panel tries, every few seconds; when it gets an answer, all do. A panel that failed
 *    alone tries again by itself as well.
 */

import { refresh_s } from "./range.js";

/** @typedef {import("./panel.js").Panel<any>} Panel */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./api.js").ApiError} ApiError */

const RETRY_MS = 3000;
const SLOW_RETRY_MS = 10_000; // what was too slow is not asked for at once

export class Rounds {
  /** @type {number | undefined} */
  #timer;
  #number = 0;
  #ended = 0;

  /**
   * @param {Panel[]} panels
   * @param {import("./view.js").Store} store
   * @param {(state: {error: ApiError | null, ended: number}) => void} tell what each round ends with
   */
  constructor(panels, store, tell) {
    this.panels = panels;
    this.store = store;
    this.tell = tell;
    store.subscribe((view, before) => this.#run(panels, (panel) => panel.change(view, before)));
    document.addEventListener("visibilitychange", () => this.#wake());
    const sight = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "50% 0px" });
    for (const panel of panels) sight.observe(panel.element);
  }

  /** Let every panel ask. */
  again() {
    return this.#run(this.panels);
  }

  /**
   * @param {Panel[]} panels
   * @param {(panel: Panel) => Promise<void>} [turn]
   */
  async #run(panels, turn = (panel) => panel.load(this.store.view)) {
    clearTimeout(this.#timer);
    this.#number += 1;
    const number = this.#number;
    const began = performance.now();
    await Promise.all(panels.map(turn));
    if (number === this.#number) this.#end(performance.now() - began);
  }

  /** @param {number} took_ms */
  #end(took_ms) {
    const error = this.#lost();
    if (!error) this.#ended = Date.now();
    this.tell({ error, ended: this.#ended });
    const refresh = refresh_s(this.store.view);
    clearTimeout(this.#timer);
    const failed = this.panels.filter((panel) => panel.visible && panel.error?.passes);
    if (error) this.#timer = setTimeout(() => this.#try(), RETRY_MS);
    else if (refresh > 0 && !document.hidden)
      this.#timer = setTimeout(() => this.again(), Math.max(refresh * 1000, took_ms));
    else if (failed.length > 0) this.#timer = setTimeout(() => this.#run(failed), SLOW_RETRY_MS);
  }

  async #try() {
    const failed = this.panels.find((panel) => panel.visible && panel.error?.everywhere);
    if (document.hidden) return;
    await failed?.load(this.store.view);
    if (failed?.error?.everywhere) this.#end(0);
    else this.again();
  }

  #lost() {
    return this.panels.find((panel) => panel.visible && panel.error?.everywhere)?.error ?? null;
  }

  #wake() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    if (this.#lost()) this.#try();
    else if (refresh_s(this.store.view) > 0) this.again();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  async #seen(entries) {
    const shown = new Map(entries.map((entry) => [entry.target, entry.isIntersecting]));
    const due = [];
    for (const panel of this.panels) {
      panel.visible = shown.get(panel.element) ?? panel.visible;
      if (panel.visible && panel.due && shown.has(panel.element)) due.push(panel.load(this.store.view));
    }
    if (due.length === 0) return;
    const number = this.#number;
    await Promise.all(due);
    if (number === this.#number) this.#end(0);
  }
}
