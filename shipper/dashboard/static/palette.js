/**
 * The theme's colours for what is drawn on a canvas, which knows no custom properties.
 */

export class Palette {
  /** @type {Map<string, string>} */
  #known = new Map();
  #probe = document.createElement("span");
  /** @type {(() => void)[]} */
  #listeners = [];

  constructor() {
    this.#probe.hidden = true;
    document.body.append(this.#probe);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.forget());
  }

  /**
   * The colour of a name in theme.css, as `rgb(…)`.
   * @param {string} name
   */
  get(name) {
    let color = this.#known.get(name);
    if (color === undefined) {
      this.#probe.style.color = `var(--${name})`;
      color = getComputedStyle(this.#probe).color;
      this.#known.set(name, color);
    }
    return color;
  }

  /**
   * A colour on the way from the first to the last of the heat map's.
   * @param {number} part from 0 to 1
   */
  heat(part) {
    const at = Math.max(0, Math.min(1, part)) * 4;
    const below = Math.min(Math.floor(at), 3);
    const [from, to] = [channels(this.get(`heat-${below}`)), channels(this.get(`heat-${below + 1}`))];
    return `rgb(${from.map((value, i) => Math.round(value + ((to[i] ?? 0) - value) * (at - below))).join(" ")})`;
  }

  /** @param {() => void} listener */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /** The theme has changed. */
  forget() {
    this.#known.clear();
    for (const listener of this.#listeners) listener();
  }
}

/** @param {string} color */
function channels(color) {
  return (color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}
