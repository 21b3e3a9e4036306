/**
 * Whose requests they are: backends and their servers, paths, clients, TLS versions; and what happened to servers.
 */

import { bar, el, fill, swatch } from "./dom.js";
import { count, duration, rate, share } from "./format.js";
import { choices } from "./header.js";
import { cell, cellOf, pick, table } from "./table.js";

/** @typedef {import("./app.js").Tools} Tools */
/** @typedef {import("./contract.js").BackendRow} BackendRow */
/** @typedef {import("./contract.js").BackendsAnswer} BackendsAnswer */
/** @typedef {import("./contract.js").PathsAnswer} PathsAnswer */
/** @typedef {import("./contract.js").ClientsAnswer} ClientsAnswer */
/** @typedef {import("./contract.js").TlsAnswer} TlsAnswer */
/** @typedef {import("./contract.js").EventsAnswer} EventsAnswer */

/** @type {[key: string, label: string, title: string, kind: string][]} */
const BACKEND_COLUMNS = [
  ["requests", "Requests", "in the range", ""],
  ["rate", "Rate", "on average", "wide"],
  ["p50", "p50", "half of the requests were at most this slow", "wide"],
  ["p75", "p75", "", ""],
  ["p99", "p99", "", ""],
  ["p99_9", "p99.9", "", ""],
  ["error_share", "Errors", "status 5xx, or a session that failed", ""],
  ["retries", "Retries", "connecting was tried again", "wide"],
  ["redispatched", "Moved", "another server got the request", "wide"],
  ["queue_max", "Queue", "the longest", "wide"],
];
const NEVER_REACHED = "<NOSRV>";

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<BackendsAnswer>}
 */
export function backendsPanel(tools) {
  const place = el("div", { class: "scroll" });
  /** @type {Set<string>} */
  const open = new Set();
  return {
    name: "backends",
    title: "Backends and servers",
    hint: "Percentiles of the whole response time. A click on a name filters, one on a heading sorts",
    size: "full",
    body: [place],
    needs: (view) => [view.phase],
    ask: (view, ask) => ask("backends", { phase: view.phase }),
    empty: (data) => data.rows.length === 0,
    paint: function paint(data, view) {
      /** @param {string} name */
      const unfold = (name) => {
        if (!open.delete(name)) open.add(name);
        paint(data, tools.store.view);
        /** @type {HTMLElement | null} */ (place.querySelector(`[data-key="${CSS.escape(`open-${name}`)}"]`))?.focus();
      };
      const most = Math.max(...data.rows.map((row) => row.requests));
      const rows = sorted(data.rows, view.sort).flatMap((row) => [
        { class: "parent", cells: backendCells(row, most, tools, { open: open.has(row.backend), unfold }) },
        ...(open.has(row.backend) ? sorted(row.servers ?? [], view.sort) : []).map((server) => ({
          class: "child",
          cells: backendCells(server, most, tools),
        })),
      ]);
      const head = BACKEND_COLUMNS.map(([key, label, title, kind]) => ({
        label,
        title,
        class: kind,
        sorted: direction(view.sort, key),
        sort: () => tools.store.go({ sort: view.sort === `-${key}` ? key : `-${key}` }),
      }));
      fill(place, table({ caption: "Backends and their servers", head: ["Backend", ...head], rows }));
      return noted(view.phase, data.more, "backends");
    },
  };
}

/**
 * @param {BackendRow} row
 * @param {number} most requests of any backend
 * @param {Tools} tools
 * @param {{open: boolean, unfold: (name: string) => void}} [fold]
 */
function backendCells(row, most, tools, fold) {
  const name =
    row.server === null
      ? pick(tools, "backend", row.backend)
      : row.server === NEVER_REACHED
        ? el("span", { class: "dim", title: `${NEVER_REACHED}: no server was chosen` }, "no server")
        : pick(tools, "server", row.server, row.server, `@${row.backend}`);
  const folds = fold && (row.servers?.length ?? 0) > 0;
  const toggle = el(
    "button",
    {
      type: "button",
      class: "fold",
      "data-key": `open-${row.backend}`,
      "aria-expanded": String(fold?.open ?? false),
      "aria-label": `Servers of ${row.backend}`,
      click: () => fold?.unfold(row.backend),
    },
    "›",
  );
  return [
    cell(folds ? toggle : fold && el("span", { class: "fold" }), name, bar(row.requests / most)),
    cell(count(row.requests)),
    cellOf("wide", rate(row.rate)),
    cellOf("wide", duration(row.p50)),
    cell(duration(row.p75)),
    cell(duration(row.p99)),
    cell(duration(row.p99_9)),
    cellOf(row.errors > 0 ? "bad" : "dim", share(row.error_share)),
    cellOf(row.retries > 0 ? "wide" : "wide dim", count(row.retries)),
    cellOf(row.redispatched > 0 ? "wide" : "wide dim", count(row.redispatched)),
    cellOf(row.queue_max ? "wide" : "wide dim", count(row.queue_max)),
  ];
}

/**
 * @param {BackendRow[]} rows
 * @param {string} sort a key, with `-` before it for the highest first
 */
function sorted(rows, sort) {
  const key = /** @type {keyof BackendRow} */ (sort.replace(/^-/, ""));
  const sign = sort.startsWith("-") ? -1 : 1;
  return rows.toSorted((one, other) => sign * (Number(one[key] ?? -1) - Number(other[key] ?? -1)));
}

/**
 * @param {string} sort
 * @param {string} key
 * @returns {"ascending" | "descending" | "none"}
 */
function direction(sort, key) {
  return sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
}

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<PathsAnswer>}
 */
export function pathsPanel(tools) {
  const place = el("div", { class: "scroll" });
  const order = choices("Order", ["p99", "requests"], (value) => tools.store.go({ paths: value }), {
    p99: "slowest",
    requests: "busiest",
  });
  return {
    name: "paths",
    title: "Paths",
    hint: "Numbers, UUIDs and the like in a path are replaced by *",
    size: "half",
    controls: [order.element],
    body: [place],
    needs: (view) => [view.paths, view.phase],
    ask: (view, ask) => ask("paths", { order: view.paths, phase: view.phase }),
    empty: (data) => data.rows.length === 0,
    nothing: "No request with a path in this range.",
    paint: (data, view) => {
      order.set(view.paths);
      const high = Math.max(...data.rows.map((row) => Math.log1p(row.p99 ?? 0)), 1);
      fill(
        place,
        table({
          caption: "Paths",
          head: [
            "Path",
            "p50",
            "p75",
            "p99",
            { label: "p99.9", class: "wide" },
            "Requests",
            { label: "Errors", class: "wide" },
          ],
          rows: data.rows.map((row) => ({
            cells: [
              cellOf("path", pick(tools, "path", row.path), bar(Math.log1p(row.p99 ?? 0) / high, "p99")),
              cell(duration(row.p50)),
              cell(duration(row.p75)),
              cell(duration(row.p99)),
              cellOf("wide", duration(row.p99_9)),
              cell(count(row.requests)),
              cellOf(row.errors > 0 ? "wide bad" : "wide dim", count(row.errors)),
            ],
          })),
        }),
      );
      return noted(view.phase, data.more, "paths");
    },
  };
}

/**
 * What the percentiles are of, and what is not shown.
 * @param {string} phase
 * @param {number} more
 * @param {string} things
 */
function noted(phase, more, things) {
  const said = [
    phase === "total" ? "" : `of ${phase}`,
    more > 0 ? `and ${count(more)} requests of other ${things}` : "",
  ];
  return said.filter(Boolean).join(", ");
}

/**
 * @returns {import("./panel.js").Spec<ClientsAnswer>}
 */
export function clientsPanel() {
  const place = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Busiest clients" });
  return {
    name: "clients",
    title: "Busiest clients",
    size: "third",
    body: [place],
    needs: (view) => [view.phase],
    ask: (view, ask) => ask("clients", { phase: view.phase }),
    empty: (data) => data.rows.length === 0,
    paint: (data, view) => {
      const most = Math.max(...data.rows.map((row) => row.requests));
      fill(
        place,
        table({
          caption: "Clients with the most requests",
          head: ["Client", "Requests", "Errors", "p75"],
          rows: data.rows.map((row) => ({
            cells: [
              cellOf("code", row.address, bar(row.requests / most)),
              cell(count(row.requests)),
              cellOf(row.errors > 0 ? "bad" : "dim", count(row.errors)),
              cell(duration(row.p75)),
            ],
          })),
        }),
      );
      return noted(view.phase, data.more, "clients");
    },
  };
}

/**
 * @returns {import("./panel.js").Spec<TlsAnswer>}
 */
export function tlsPanel() {
  const place = el("div", {});
  return {
    name: "tls",
    title: "TLS versions",
    size: "third",
    body: [place],
    ask: (_, ask) => ask("tls"),
    empty: (data) => data.rows.length === 0,
    nothing: "No line in this range tells a TLS version. The formats of “option httpslog” do.",
    paint: (data) => {
      const all = data.rows.reduce((sum, row) => sum + row.count, 0);
      fill(
        place,
        table({
          caption: "TLS versions",
          head: ["Version", "Requests", "Share"],
          rows: data.rows.map((row) => ({
            cells: [
              cell(/^\d/.test(row.version) ? `TLS ${row.version}` : row.version, bar(row.count / all)),
              cell(count(row.count)),
              cell(share(row.count / all)),
            ],
          })),
        }),
      );
    },
  };
}

/**
 * Also sets the marks of all charts.
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<EventsAnswer>}
 */
export function eventsPanel(tools) {
  const list = el("ol", { class: "events", tabindex: 0, "aria-label": "Servers and reloads" });
  return {
    name: "events",
    title: "Servers and reloads",
    hint: "What HAProxy says of itself; also marked in every chart",
    size: "third",
    body: [list],
    always: true,
    ask: async (_, ask) => {
      const data = await ask("events");
      tools.marks.set(data.marks);
      return data;
    },
    empty: (data) => data.marks.length === 0,
    nothing: "No server went up or down, and HAProxy was not reloaded.",
    paint: (data) => {
      const more =
        data.more > 0 ? el("li", { class: "dim" }, `and ${count(data.more)} before these, which are not marked`) : null;
      fill(
        list,
        ...data.marks.map((mark) =>
          el(
            "li",
            {},
            swatch(mark.kind),
            el("time", {}, tools.clock().instant(mark.time)),
            el("span", { title: mark.text }, mark.text),
          ),
        ),
        more,
      );
    },
  };
}
