/**
 * Keyboard shortcuts: single letters, while nothing is typed and no dialog is open.
 */

import { el, fill, part } from "./dom.js";

/** @typedef {{keys: string[], words: string, act: () => void}} Shortcut */

/** @type {[string, string][]} */
const ELSEWHERE = [
  ["← →", "in a chart: move through time; with Shift choose a range, Enter shows it"],
  ["j k", "with a request open: the one below, the one above"],
  ["Esc", "close what is open"],
];

/**
 * @param {Shortcut[]} shortcuts
 */
export function listen(shortcuts) {
  const dialog = part("shortcuts", HTMLDialogElement);
  const all = [{ keys: ["?"], words: "this list", act: () => dialog.showModal() }, ...shortcuts];
  /** @param {string} key @param {string} words */
  const row = (key, words) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, words));
  fill(
    part("keys", HTMLElement),
    ...all.map(({ keys, words }) => row(keys.join(" "), words)),
    ...ELSEWHERE.map(([key, words]) => row(key, words)),
  );
  part("help", HTMLButtonElement).addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || occupied(event.target)) return;
    const found = all.find(({ keys }) => keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.act();
  });
}

/** @param {EventTarget | null} target */
function occupied(target) {
  const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  return typing || document.querySelector("dialog[open], :popover-open") !== null;
}
