/**
 * The lines themselves, the slowest or the latest; each opens as `shipper explain` shows it.
 */

import { ApiError, ask } from "./api.js";
import { bar, el, fill, part, prose } from "./dom.js";
import { duration, NOTHING } from "./format.js";
import { choices } from "./header.js";
import { cell, cellOf, pick, table } from "./table.js";

/** @typedef {import("./app.js").Tools} Tools */
/** @typedef {import("./contract.js").LineRow} LineRow */
/** @typedef {import("./contract.js").LinesAnswer} LinesAnswer */
/** @typedef {import("./contract.js").LineAnswer} LineAnswer */
/** @typedef {import("./contract.js").Reading} Reading */

const LINES_MAX = 50;
const SIGNS = { fine: "✓", note: "•", fault: "✗" };
const SIGN_WORDS = { fine: "fine", note: "note", fault: "fault" };

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<LinesAnswer>}
 */
export function linesPanel(tools) {
  const sheet = new Sheet(tools);
  const place = el("div", { class: "scroll" });
  const order = choices("Order", ["slowest", "latest"], (value) => tools.store.go({ order: value }));
  return {
    name: "lines",
    title: "Requests",
    hint: "The lines themselves. The time opens one, explained",
    size: "full",
    controls: [order.element],
    body: [place],
    needs: (view) => [view.order, view.phase, view.at_least_ms, view.below_ms],
    ask: (view, ask) => {
      const { order, phase, at_least_ms, below_ms } = view;
      return ask("lines", { order, phase, at_least_ms, below_ms, limit: LINES_MAX });
    },
    empty: (data) => data.rows.length === 0,
    paint: (data, view) => {
      order.set(view.order);
      sheet.rows = data.rows;
      fill(place, rowsOf(data.rows, view, tools));
      const which = view.order === "slowest" ? `The slowest by ${view.phase}` : "The latest";
      return `${which}, at most ${LINES_MAX}`;
    },
  };
}

/**
 * @param {LineRow[]} rows
 * @param {import("./view.js").View} view
 * @param {Tools} tools
 */
function rowsOf(rows, view, tools) {
  const phased = view.phase !== "total";
  const high = Math.max(...rows.map((row) => (phased ? row.phase_ms : row.total_ms) ?? 0), 1);
  return table({
    caption: "Requests",
    head: [
      { label: "Time", class: "text" },
      "Status",
      { label: "Request", class: "text" },
      { label: "Frontend", class: "text wide" },
      { label: "Server", class: "text wide" },
      ...(phased ? [view.phase] : []),
      { label: "Total", class: phased ? "wide" : "" },
      { label: "Ended", class: "text" },
    ],
    rows: rows.map((row, i) => {
      /** @param {import("./view.js").Field} field @param {string | null} value */
      const picked = (field, value) => (value === null ? NOTHING : pick(tools, field, value, value, `#${i}`));
      const shown = phased ? row.phase_ms : row.total_ms;
      const measure = bar((shown ?? 0) / high, "p99");
      return {
        class: "line",
        cells: [
          cellOf("text", opener(row, tools)),
          cell(row.status === null ? NOTHING : statusPill(row.status, tools, i)),
          cellOf("text request", picked("method", row.method), " ", row.path ?? NOTHING),
          cellOf("text wide", picked("frontend", row.frontend)),
          cellOf(
            "text wide",
            picked("backend", row.backend),
            row.server ? "/" : "",
            row.server && picked("server", row.server),
          ),
          ...(phased ? [cell(duration(row.phase_ms), measure)] : []),
          phased ? cellOf("wide", duration(row.total_ms)) : cell(duration(row.total_ms), measure),
          cellOf("text code", row.termination && titled(picked("termination", row.termination), row.words)),
        ],
      };
    }),
  });
}

/**
 * @param {import("./dom.js").Child} child
 * @param {string | null} words
 */
function titled(child, words) {
  return el("span", { title: words }, child);
}

/**
 * @param {number} status
 * @param {Tools} tools
 * @param {number} i
 */
function statusPill(status, tools, i) {
  const made = pick(tools, "status", String(status), String(status), `#${i}`);
  made.classList.add("pill");
  made.dataset.color = `class-${Math.floor(status / 100)}xx`;
  return made;
}

/**
 * A link to the line, so that it can also be opened beside.
 * @param {LineRow} row
 * @param {Tools} tools
 */
function opener(row, tools) {
  const line = `${row.index}/${row.id}`;
  const open = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    tools.store.go({ line });
  };
  return el("a", { href: tools.store.link({ line }), "data-key": line, click: open }, ...whenOf(row.time, tools));
}

/**
 * @param {number} time
 * @param {Tools} tools
 */
function whenOf(time, tools) {
  const [day, clock] = tools.clock().exactly(time).split(" ");
  return [el("span", { class: "wide" }, `${day} `), clock];
}

/** One line, explained, at the side of the page. */
class Sheet {
  /** @type {LineRow[]} */
  rows = [];
  #element = part("line", HTMLDialogElement);
  #asking = new AbortController();

  /** @param {Tools} tools */
  constructor(tools) {
    this.tools = tools;
    tools.store.subscribe((view, before) => view.line !== before.line && this.#become(view.line));
    this.#element.addEventListener("close", () => this.tools.store.go({ line: "" }));
    this.#element.addEventListener("click", (event) => event.target === this.#element && this.#element.close());
    this.#element.addEventListener("keydown", (event) => {
      const by = { j: 1, k: -1 }[event.key];
      if (by) this.#step(by);
    });
    this.#become(tools.store.view.line);
  }

  /** @param {string} line */
  async #become(line) {
    this.#asking.abort();
    if (line === "") {
      this.#element.close();
      return;
    }
    const asking = new AbortController();
    this.#asking = asking;
    if (!this.#element.open) {
      this.#frame(el("p", { class: "dim" }, "One moment …"));
      this.#element.showModal();
      /** @type {HTMLElement | null} */ (this.#element.querySelector('[data-key="close"]'))?.focus();
    }
    const [index, id] = [line.slice(0, line.lastIndexOf("/")), line.slice(line.lastIndexOf("/") + 1)];
    try {
      this.#show(await ask("line", new URLSearchParams({ index, id }), asking.signal));
    } catch (error) {
      if (asking.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.#frame(el("p", {}, el("strong", {}, error.message)), el("p", {}, error.todo));
    }
  }

  /** @param {number} by */
  #step(by) {
    const at = this.rows.findIndex((row) => `${row.index}/${row.id}` === this.tools.store.view.line);
    const row = this.rows[at + by];
    if (row) this.tools.store.go({ line: `${row.index}/${row.id}` });
  }

  /** @param {LineAnswer} answer */
  #show(answer) {
    const { reading, document: source, original } = answer;
    const said = reading
      ? explained(reading, this.tools)
      : [el("p", {}, answer.why ?? "This document cannot be explained.")];
    this.#frame(
      ...said,
      original === null ? null : folded("The line", el("pre", {}, original)),
      folded("The document", el("pre", {}, JSON.stringify(source, null, 2))),
    );
  }

  /** @param {...(Element | null)} content */
  #frame(...content) {
    const focused = this.#element.contains(document.activeElement) ? document.activeElement : null;
    const key = focused instanceof HTMLElement ? focused.dataset.key : undefined;
    /** @param {string} name @param {string} label @param {string} text @param {() => void} act */
    const button = (name, label, text, act) =>
      el("button", { type: "button", "data-key": name, "aria-label": label, title: label, click: act }, text);
    fill(
      this.#element,
      el(
        "header",
        {},
        el("h2", { id: "line-title" }, "One request, explained"),
        button("before", "The one above ( k )", "↑", () => this.#step(-1)),
        button("after", "The one below ( j )", "↓", () => this.#step(1)),
        button("close", "Close ( Esc )", "×", () => this.#element.close()),
      ),
      el("div", { class: "sheet-body", tabindex: 0, role: "region", "aria-label": "Explanation" }, ...content),
    );
    /** @type {HTMLElement | null} */ (this.#element.querySelector(`[data-key="${key ?? "close"}"]`))?.focus();
  }
}

/**
 * @param {Reading} reading
 * @param {Tools} tools
 */
function explained(reading, tools) {
  return [
    el("p", { class: "headline" }, reading.headline),
    el("p", { class: "dim" }, `${tools.clock().exactly(Date.parse(reading.time))} ${tools.clock().name}`),
    waterfall(reading.phases),
    el("ul", { class: "findings" }, ...reading.findings.map(finding)),
    folded("Every field", fieldsOf(reading.fields), true),
  ];
}

/**
 * The phases to scale, one below the other.
 * @param {import("./contract.js").Phase[]} phases
 */
function waterfall(phases) {
  const whole = Math.max(...phases.map((phase) => phase.start_ms + (phase.lasted_ms ?? 0)), 1);
  return el(
    "dl",
    { class: "waterfall" },
    ...phases.flatMap((phase) => {
      const stripe = el("span", { class: phase.ended_here ? "stripe ended" : "stripe", "data-phase": phase.name });
      stripe.style.setProperty("--from", String(phase.start_ms / whole));
      stripe.style.setProperty("--share", String((phase.lasted_ms ?? 0) / whole));
      const lasted = phase.lasted_ms === null ? "never reached" : duration(phase.lasted_ms);
      return [
        el("dt", {}, phase.name, " ", el("code", {}, phase.alias)),
        el("dd", {}, phase.lasted_ms ? stripe : null),
        el("dd", {}, phase.ended_here ? `ended after ${lasted}` : lasted),
      ];
    }),
  );
}

/** @param {import("./contract.js").Finding} found */
function finding(found) {
  return el(
    "li",
    { "data-level": found.level },
    el("span", { class: "sign", role: "img", "aria-label": SIGN_WORDS[found.level] }, SIGNS[found.level]),
    el(
      "p",
      {},
      ...prose(found.text),
      found.advice && el("span", { class: "dim" }, " ", ...prose(found.advice)),
      found.section && el("span", { class: "dim" }, ` [manual ${found.section}]`),
    ),
  );
}

/** @param {Reading["fields"]} fields */
function fieldsOf(fields) {
  return table({
    caption: "Every field",
    head: [
      { label: "Field", class: "text" },
      { label: "Value", class: "text" },
      { label: "Meaning", class: "text" },
    ],
    rows: fields.map((field) => ({
      cells: [
        cellOf("text code", field.path),
        cellOf("text value", field.value),
        cellOf("text dim", el("code", {}, field.alias), field.alias ? " " : "", ...prose(field.meaning)),
      ],
    })),
  });
}

/**
 * @param {string} title
 * @param {Element} content
 * @param {boolean} [open]
 */
function folded(title, content, open = false) {
  return el("details", { open }, el("summary", {}, title), content);
}
