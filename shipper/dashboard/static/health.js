/**
 * Shipper's own health, as `shipper status` has it: what came, what became of it, what waits and why.
 */

import { el, fill } from "./dom.js";
import { bytes, count, NOTHING, rate, span } from "./format.js";

/** @typedef {import("./contract.js").HealthAnswer} HealthAnswer */

/**
 * What is shown of the status: its name there, in words, how it is written, and from where on it needs a look.
 * @type {[name: string, label: string, write: (value: any) => string, worry?: number][]}
 */
const FIGURES = [
  ["received_per_s", "received", rate],
  ["indexed_per_s", "indexed", rate],
  ["lag_s", "lag", (s) => span(s * 1000), 30],
  ["pending", "pending", count],
  ["oldest_pending_age_s", "oldest pending", (s) => span(s * 1000), 60],
  ["parked", "parked", count, 1],
  ["dead_lettered", "refused for good", count, 1],
  ["kernel_drops", "dropped by the kernel", count, 1],
  ["dropped_full", "dropped, journal full", count, 1],
  ["refused_sender", "refused senders", count, 1],
  ["unparsed", "not understood", count],
  ["journal_lost", "lost in the journal", count, 1],
  ["journal_bytes", "journal", bytes],
  ["requests_in_flight", "requests in flight", count],
];

/**
 * @returns {import("./panel.js").Spec<HealthAnswer>}
 */
export function healthPanel() {
  const place = el("div", {});
  return {
    name: "health",
    title: "shipper itself",
    hint: "The same as “shipper status”",
    size: "third",
    body: [place],
    ask: (_, ask) => ask("health"),
    empty: () => false,
    paint: (data) => {
      if (data.available) fill(place, ...told(data));
      else fill(place, el("p", { class: "dim" }, data.why ?? "Its status cannot be read here."));
      return data.available && data.status?.version ? `version ${data.status.version}` : "";
    },
  };
}

/** @param {HealthAnswer} data */
function told({ status = {}, rates = {}, attention = [] }) {
  const known = /** @type {Record<string, unknown>} */ ({ ...status, ...rates });
  const figures = FIGURES.filter(([name]) => known[name] !== undefined && known[name] !== null);
  return [
    ...attention.map((why) => el("p", { class: "warning" }, why)),
    el(
      "dl",
      { class: "figures" },
      ...figures.map(([name, label, write, worry]) =>
        el(
          "div",
          { "data-worry": worry !== undefined && Number(known[name]) >= worry },
          el("dt", {}, label),
          el("dd", {}, write(known[name]) || NOTHING),
        ),
      ),
    ),
  ];
}
