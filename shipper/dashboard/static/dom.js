/**
 * Elements, made without markup: text that comes from outside is only ever text.
 */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Attribute */

/**
 * Make an element. An attribute that is a function listens to that event; `true` is an empty attribute; `false` and
 * null leave it out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Attribute>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value === true ? "" : String(value));
  }
  fill(made, ...children);
  return made;
}

/**
 * Replace what is in an element.
 * @param {Element} target
 * @param {...Child} children
 */
export function fill(target, ...children) {
  target.replaceChildren(...children.filter(present).map((child) => (child instanceof Node ? child : String(child))));
}

/**
 * A sentence in which what stands between `backticks` is code.
 * @param {string} text
 */
export function prose(text) {
  return text.split("`").map((piece, i) => (i % 2 ? el("code", {}, piece) : piece));
}

/**
 * Find an element of the page that must be there.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/**
 * A square in a colour of the theme.
 * @param {string} color
 */
export function swatch(color) {
  return el("span", { class: "swatch", "data-color": color, "aria-hidden": "true" });
}

/**
 * A bar that fills a share of its place.
 * @param {number} share from 0 to 1
 * @param {string} [color]
 */
export function bar(share, color) {
  const made = el("span", { class: "bar", "data-color": color, "aria-hidden": "true" });
  made.style.setProperty("--share", String(Math.max(0, Math.min(1, share || 0))));
  return made;
}

/**
 * @param {Child} child
 * @returns {child is Node | string | number}
 */
function present(child) {
  return child !== null && child !== undefined && child !== false;
}
