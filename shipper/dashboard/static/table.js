/**
 * Tables: the first column names the row, the others are numbers unless they say otherwise.
 */

import { el } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {import("./app.js").Tools} Tools */
/** @typedef {import("./view.js").Field} Field */
/**
 * @typedef {object} Row
 * @property {string} [class]
 * @property {HTMLTableCellElement[]} cells
 */
/**
 * @typedef {object} Table
 * @property {string} caption for those who do not see it
 * @property {(string | Heading)[]} head
 * @property {Row[]} rows
 */
/**
 * @typedef {object} Heading
 * @property {string} label
 * @property {string} [title]
 * @property {string} [class] `text`, `wide` (left out where there is little room)
 * @property {"ascending" | "descending" | "none"} [sorted]
 * @property {() => void} [sort]
 */

/**
 * @param {...Child} children
 */
export function cell(...children) {
  return el("td", {}, ...children);
}

/**
 * @param {string} kind `text`, `wide`
 * @param {...Child} children
 */
export function cellOf(kind, ...children) {
  return el("td", { class: kind }, ...children);
}

/** @param {Table} spec */
export function table({ caption, head, rows }) {
  const headings = head.map((one) => (typeof one === "string" ? { label: one } : one));
  return el(
    "table",
    {},
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...headings.map(heading))),
    el("tbody", {}, ...rows.map((row) => el("tr", { class: row.class }, ...row.cells))),
  );
}

/** @param {Heading} one */
function heading(one) {
  const attributes = { scope: "col", class: one.class, title: one.title, "aria-sort": one.sort && one.sorted };
  if (!one.sort) return el("th", attributes, one.label);
  return el(
    "th",
    attributes,
    el("button", { type: "button", "data-key": `sort-${one.label}`, click: one.sort }, one.label),
  );
}

/**
 * A value that filters by itself when it is clicked.
 * @param {Tools} tools
 * @param {Field} field
 * @param {string} value
 * @param {string} [label]
 * @param {string} [key] what tells it from others of the same value, for the focus
 */
export function pick(tools, field, value, label = value, key = "") {
  const chosen = tools.store.view.filters[field].includes(value);
  return el(
    "button",
    {
      type: "button",
      class: "pick",
      "data-key": `${field}=${value}${key}`,
      "aria-pressed": String(chosen),
      title: chosen ? `No longer only ${field} ${value}` : `Only ${field} ${value}`,
      click: () => tools.toggle(field, value),
    },
    label,
  );
}
