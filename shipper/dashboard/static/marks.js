/**
 * What happened to HAProxy and its servers, as every chart marks it.
 */

/** @typedef {import("./contract.js").Mark} Mark */

export class Marks {
  /** @type {Mark[]} */
  list = [];
  /** @type {(() => void)[]} */
  #listeners = [];

  /** @param {Mark[]} list */
  set(list) {
    if (JSON.stringify(list) === JSON.stringify(this.list)) return;
    this.list = list;
    for (const listener of this.#listeners) listener();
  }

  /** @param {() => void} listener */
  subscribe(listener) {
    this.#listeners.push(listener);
  }
}
