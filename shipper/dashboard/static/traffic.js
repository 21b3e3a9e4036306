/**
 * What came and how it ended: rates, termination states in words, who is to blame, retries, queues and connections.
 */

import { TimeChart } from "./chart.js";
import { bar, el, fill, prose, swatch } from "./dom.js";
import { count, countShort, rate, share } from "./format.js";
import { cell, cellOf, pick, table } from "./table.js";

/** @typedef {import("./app.js").Tools} Tools */
/** @typedef {import("./contract.js").RateAnswer} RateAnswer */
/** @typedef {import("./contract.js").TerminationsAnswer} TerminationsAnswer */
/** @typedef {import("./contract.js").PressureAnswer} PressureAnswer */
/** @typedef {import("./contract.js").Column} Column */

const CLASSES = ["5xx", "4xx", "3xx", "2xx", "1xx", "none"]; // errors stand on the ground, where they are seen
const CLASSES_READ = ["2xx", "3xx", "4xx", "5xx", "1xx", "none"];
const BLAMED = ["client", "server", "proxy"];
const COLORS = ["first", "second", "third", "fourth"];

/** @param {Column} column */
const sum = (column) => column.reduce((/** @type {number} */ all, n) => all + (n ?? 0), 0);
/** @param {Column} column */
const highest = (column) => column.reduce((/** @type {number} */ high, n) => Math.max(high, n ?? 0), 0);

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<RateAnswer>}
 */
export function ratePanel(tools) {
  const lines = CLASSES.map((name) => ({ key: name, label: name, color: `class-${name}` }));
  const chart = new TimeChart(
    {
      label: "Requests a second by status class",
      lines: lines.toReversed(),
      shape: "stack",
      unit: rate,
      tick: countShort,
    },
    tools,
  );
  const legend = el("div", { class: "legend", role: "group", "aria-label": "Status classes" });
  return {
    name: "rate",
    title: "Requests a second",
    hint: "By status class; a click filters",
    size: "half",
    body: [legend, chart.host],
    ask: (_, ask) => ask("rate"),
    empty: (data) => CLASSES.every((name) => sum(data.classes[name] ?? []) === 0),
    paint: (data) => {
      const perS = 1000 / data.window.interval_ms;
      const totals = new Map(CLASSES.map((name) => [name, sum(data.classes[name] ?? [])]));
      const all = sum([...totals.values()]);
      const columns = Object.fromEntries(
        Object.entries(data.classes).map(([name, column]) => [name, column.map((n) => n * perS)]),
      );
      chart.show(data.window, data.times, columns);
      fill(
        legend,
        ...CLASSES_READ.map((key) => {
          const n = totals.get(key) ?? 0;
          if (n === 0) return null;
          const told = [
            swatch(`class-${key}`),
            " ",
            el("b", {}, share(n / all)),
            el("span", { class: "dim" }, ` ${count(n)}`),
          ];
          const name = key === "none" ? el("span", {}, "no status") : pick(tools, "status", key);
          return el("span", { class: "entry" }, told[0], name, ...told.slice(1));
        }),
      );
    },
  };
}

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<TerminationsAnswer>}
 */
export function terminationsPanel(tools) {
  const place = el("div", { class: "scroll" });
  const lines = BLAMED.map((name) => ({ key: name, label: name, color: name }));
  const blame = part(tools, {
    title: "Who is to blame",
    hint: "Sessions that did not end as they should",
    lines,
    shape: "stack",
  });
  return {
    name: "terminations",
    title: "How sessions ended",
    hint: "Termination states, in words; a click filters",
    size: "full",
    body: [el("div", { class: "columns", "data-columns": "2-1" }, place, blame.element)],
    ask: (_, ask) => ask("terminations"),
    empty: (data) => data.rows.length === 0,
    paint: (data) => {
      fill(place, states(data.rows, tools));
      const { times, client, server, proxy } = data.blame;
      blame.show(data.window, times, { client, server, proxy }, sum);
    },
  };
}

/**
 * @param {import("./contract.js").TerminationRow[]} rows
 * @param {Tools} tools
 */
function states(rows, tools) {
  const all = sum(rows.map((row) => row.count));
  const most = highest(rows.filter((row) => !row.normal).map((row) => row.count)) || 1;
  return table({
    caption: "Termination states, in words",
    head: ["State", { label: "What happened", class: "text" }, "Requests", "Share"],
    rows: rows.map((row) => ({
      class: row.normal ? "normal" : "",
      cells: [
        cellOf("code", pick(tools, "termination", row.state)),
        cellOf("text words", ...prose(row.words)),
        cell(count(row.count)),
        cell(share(row.count / all), bar(row.normal ? 0 : row.count / most, "class-5xx")),
      ],
    })),
  });
}

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<PressureAnswer>}
 */
export function pressurePanel(tools) {
  const retries = part(tools, {
    title: "Retries and redispatches",
    hint: "Connecting that was tried again; requests that another server got instead",
    lines: named("retries", "redispatched"),
    shape: "stack",
  });
  const queues = part(tools, {
    title: "Longest queues",
    hint: "Requests that waited before one, in its backend's and its server's queue",
    lines: named("backend", "server"),
    shape: "lines",
  });
  const connections = part(tools, {
    title: "Most connections",
    hint: "Concurrent connections while a request was logged: of the process, its frontend, backend and server",
    lines: named("active", "frontend", "backend", "server"),
    shape: "lines",
  });
  return {
    name: "pressure",
    title: "Pressure",
    size: "full",
    body: [el("div", { class: "columns" }, retries.element, queues.element, connections.element)],
    ask: (_, ask) => ask("pressure"),
    empty: (data) => highest(data.connections_max.active) === 0 && sum(data.retries) === 0,
    paint: (data) => {
      const { window, times } = data;
      retries.show(window, times, { retries: data.retries, redispatched: data.redispatched }, sum);
      queues.show(window, times, data.queue_max, highest);
      connections.show(window, times, data.connections_max, highest);
    },
  };
}

/** @param {...string} keys */
function named(...keys) {
  return keys.map((key, i) => ({ key, label: key, color: COLORS[i] ?? "first" }));
}

/**
 * A chart within a panel, with a heading and a legend of its own.
 * @param {Tools} tools
 * @param {{title: string, hint: string, lines: import("./chart.js").Line[], shape: "lines" | "stack"}} what
 */
function part(tools, { title, hint, lines, shape }) {
  const chart = new TimeChart({ label: title, lines, shape, unit: count, tick: countShort, whole: true }, tools);
  const legend = el("p", { class: "legend" });
  return {
    element: el("div", { class: "part" }, el("h3", { title: hint }, title), legend, chart.host),
    /**
     * @param {import("./contract.js").Range} window
     * @param {number[]} times
     * @param {Record<string, Column>} columns
     * @param {(column: Column) => number} total what the legend says of a whole column
     */
    show(window, times, columns, total) {
      chart.show(window, times, columns);
      fill(
        legend,
        ...lines.map(({ color, label, key }) =>
          el("span", { class: "entry" }, swatch(color), label, " ", el("b", {}, count(total(columns[key] ?? [])))),
        ),
      );
    },
  };
}
