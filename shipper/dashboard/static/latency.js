/**
 * Response times: percentiles over time, the phases side by side, and how often which time was taken.
 */

import { TimeChart } from "./chart.js";
import { bar, el, fill, swatch } from "./dom.js";
import { count, countShort, duration, durationTick, NOTHING, share } from "./format.js";
import { choices } from "./header.js";
import { between } from "./range.js";
import { cell, table } from "./table.js";
import { PERCENTS, PHASES } from "./view.js";

/** @typedef {import("./app.js").Tools} Tools */
/** @typedef {import("./contract.js").PercentilesAnswer} PercentilesAnswer */
/** @typedef {import("./contract.js").PhasesAnswer} PhasesAnswer */
/** @typedef {import("./contract.js").HeatmapAnswer} HeatmapAnswer */
/** @typedef {{now: PercentilesAnswer, then: PercentilesAnswer | null}} Both */

/** What each phase is, in a few words. */
export const PHASE_WORDS = {
  total: "the whole request",
  request: "the client sends its request",
  queue: "waiting for a free slot",
  connect: "connecting to the server",
  response: "the server thinks",
  data: "the answer is transferred",
};
const BEFORE = { day: "a day before", week: "a week before" };

/** @param {string} percent */
const label = (percent) => (percent === "max" ? "max" : `p${percent}`);
/** @param {string} percent */
const color = (percent) => label(percent).replace(".", "-");

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<Both>}
 */
export function percentilesPanel(tools) {
  const chart = new TimeChart(
    {
      label: "Percentiles of the response time",
      lines: [
        ...PERCENTS.map((p) => ({
          key: `then-${p}`,
          label: `${label(p)} before`,
          color: color(p),
          dash: [4, 4],
          width: 1.2,
        })),
        ...PERCENTS.map((p) => ({ key: p, label: label(p), color: color(p), width: p === "max" ? 1 : 1.8 })),
      ].reverse(),
      shape: "lines",
      unit: duration,
      tick: durationTick,
    },
    tools,
  );
  const legend = el("div", { class: "tiles", role: "group", "aria-label": "Percentiles over the whole range" });
  const population = el("p", { class: "sub" });
  const axis = choices("Axis", ["log", "linear"], (value) => tools.store.go({ axis: value }));
  const phase = choices("Phase", PHASES, (value) => tools.store.go({ phase: value }));
  return {
    name: "percentiles",
    title: "Response time",
    hint: "Nearest rank over every single request; requests without this timer (-1) are not counted",
    size: "most",
    controls: [phase.element, axis.element],
    body: [legend, chart.host, population],
    needs: (view) => [view.phase, view.compare],
    ask: async (view, ask) => {
      const [now, then] = await Promise.all([
        ask("percentiles", { phase: view.phase }),
        view.compare ? ask("percentiles", { phase: view.phase, shift: view.compare }) : null,
      ]);
      return { now, then };
    },
    empty: ({ now }) => now.lines === 0,
    paint: ({ now, then }, view) => {
      axis.set(view.axis);
      phase.set(view.phase);
      fill(legend, ...PERCENTS.map((percent) => tile(percent, now, then, view, tools)));
      const hide = view.hide.flatMap((percent) => [percent, `then-${percent}`]);
      chart.show(
        now.window,
        now.times,
        { ...now.percentiles, ...aligned(now, then) },
        { log: view.axis === "log", hide },
      );
      const of = now.population === now.lines ? "" : ` of ${count(now.lines)}`;
      const dashed =
        view.compare && then ? ` Dashed: ${BEFORE[view.compare]}, ${count(then.population)} requests.` : "";
      population.textContent =
        now.population === 0
          ? `None of ${count(now.lines)} requests has this timer: ${PHASE_WORDS[view.phase]}.`
          : `${count(now.population)}${of} requests have this timer: ${PHASE_WORDS[view.phase]}.${dashed}`;
    },
  };
}

/**
 * The percentile of the whole range, which also switches its line on and off.
 * @param {string} percent
 * @param {PercentilesAnswer} now
 * @param {PercentilesAnswer | null} then
 * @param {import("./view.js").View} view
 * @param {Tools} tools
 */
function tile(percent, now, then, view, tools) {
  const shown = !view.hide.includes(percent);
  const hide = shown ? [...view.hide, percent] : view.hide.filter((one) => one !== percent);
  return el(
    "button",
    {
      type: "button",
      class: "tile",
      "data-color": color(percent),
      "data-key": percent,
      "aria-pressed": String(shown),
      title: shown ? "Hide this line" : "Show this line",
      click: () => tools.store.go({ hide }),
    },
    el("span", { class: "name" }, swatch(color(percent)), label(percent)),
    el("b", {}, duration(now.whole[percent])),
    then && el("span", { class: "delta" }, change(now.whole[percent], then.whole[percent])),
  );
}

/**
 * How much more or less than before.
 * @param {number | null | undefined} now
 * @param {number | null | undefined} then
 */
function change(now, then) {
  if (now === null || now === undefined || !then) return NOTHING;
  const part = now / then - 1;
  if (Math.abs(part) < 0.005) return "same";
  return part > 9.95 ? `×${Math.round(part + 1)}` : `${part > 0 ? "+" : "−"}${Math.round(Math.abs(part) * 100)}%`;
}

/**
 * The columns of before, on the slots of now.
 * @param {PercentilesAnswer} now
 * @param {PercentilesAnswer | null} then
 */
function aligned(now, then) {
  if (then === null) return {};
  const slots = new Map(then.times.map((time, slot) => [time, slot]));
  return Object.fromEntries(
    PERCENTS.map((percent) => [
      `then-${percent}`,
      now.times.map((time) => then.percentiles[percent]?.[slots.get(time) ?? -1] ?? null),
    ]),
  );
}

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<PhasesAnswer>}
 */
export function phasesPanel(tools) {
  const place = el("div", { class: "scroll" });
  return {
    name: "phases",
    title: "Where the time goes",
    hint: "Each phase has its own population: requests that have its timer",
    size: "third",
    body: [place],
    ask: (_, ask) => ask("phases"),
    empty: (data) => data.lines === 0,
    paint: (data, view) => {
      const high = Math.max(...data.rows.map((row) => Math.log1p(row["99"] ?? 0)), 1);
      fill(
        place,
        table({
          caption: "Percentiles of each phase",
          head: ["Phase", "p50", "p75", "p99", "p99.9", "Requests"],
          rows: data.rows.map((row) => {
            const name = /** @type {import("./view.js").PhaseName} */ (row.phase);
            const pick = el(
              "button",
              {
                type: "button",
                class: "pick",
                "data-key": name,
                "aria-pressed": String(view.phase === name),
                title: PHASE_WORDS[name],
                click: () => tools.store.go({ phase: name }),
              },
              name,
            );
            return {
              class: view.phase === name ? "chosen" : "",
              cells: [
                cell(pick, bar(Math.log1p(row["99"] ?? 0) / high, "p99")),
                cell(duration(row["50"])),
                cell(duration(row["75"])),
                cell(duration(row["99"])),
                cell(duration(row["99.9"])),
                cell(countShort(row.population)),
              ],
            };
          }),
        }),
      );
    },
  };
}

/**
 * @param {Tools} tools
 * @returns {import("./panel.js").Spec<HeatmapAnswer>}
 */
export function heatmapPanel(tools) {
  /** @type {HeatmapAnswer} */
  let shown = { window: { from: 0, to: 1, interval_ms: 1 }, times: [], bounds_ms: [], counts: [] };
  let [first, last, most] = [0, 0, 1];
  const scale = el("p", { class: "ramp" });

  /** @param {number} bound */
  const between_bounds = (bound) => {
    const [low, high] = [shown.bounds_ms[bound] ?? 0, shown.bounds_ms[bound + 1]];
    return high === undefined ? `${durationTick(low)} and more` : `${durationTick(low)} – ${durationTick(high)}`;
  };
  /** @param {uPlot} u */
  const pointed = (u) => {
    const bound = first + Math.floor(u.posToVal(u.cursor.top ?? -1, "y"));
    return bound >= first && bound <= last ? bound : null;
  };
  /** @param {uPlot} u */
  const draw = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const [slot, time] of shown.times.entries()) {
      const left = Math.round(u.valToPos(time, "x", true));
      const width = Math.round(u.valToPos(time + shown.window.interval_ms, "x", true)) - left;
      for (let bound = first; bound <= last; bound++) {
        const n = shown.counts[slot]?.[bound] ?? 0;
        if (n === 0) continue;
        const top = Math.round(u.valToPos(bound - first + 1, "y", true));
        const height = Math.round(u.valToPos(bound - first, "y", true)) - top;
        ctx.fillStyle = tools.palette.heat(0.12 + 0.88 * (Math.log1p(n) / Math.log1p(most)));
        ctx.fillRect(left, top, Math.max(width - 1, 1), Math.max(height - 1, 1));
      }
    }
    ctx.restore();
  };
  const chart = new TimeChart(
    {
      label: "How many requests took how long",
      lines: [{ key: "rows", label: "", color: "muted", width: 0 }],
      shape: "cells",
      whole: true,
      unit: String,
      tick: (row) => {
        const low = shown.bounds_ms[first + row];
        return low === undefined ? "" : durationTick(low);
      },
      draw,
      tell: (u, slot) => {
        const bound = pointed(u);
        if (bound === null) return [];
        const n = shown.counts[slot]?.[bound] ?? 0;
        const all = (shown.counts[slot] ?? []).reduce((sum, one) => sum + one, 0);
        return [
          el("div", {}, between_bounds(bound)),
          el("div", {}, el("b", {}, count(n)), ` of ${count(all)}, ${share(all ? n / all : 0)}`),
        ];
      },
      click: (u) => {
        const [bound, slot] = [pointed(u), u.cursor.idx];
        const time = slot === null || slot === undefined ? undefined : shown.times[slot];
        if (bound === null || time === undefined) return;
        tools.store.go({
          ...between(time, time + shown.window.interval_ms),
          at_least_ms: shown.bounds_ms[bound] ?? null,
          below_ms: shown.bounds_ms[bound + 1] ?? null,
        });
        document.getElementById("lines")?.scrollIntoView();
      },
    },
    tools,
  );
  return {
    name: "heatmap",
    title: "How many took how long",
    hint: "A click lists the requests of a cell",
    size: "half",
    body: [chart.host, scale],
    needs: (view) => [view.phase],
    ask: (view, ask) => ask("heatmap", { phase: view.phase }),
    empty: (data) => data.counts.every((slot) => slot.every((n) => n === 0)),
    paint: (data, view) => {
      shown = data;
      const used = data.bounds_ms.map((_, bound) => data.counts.some((slot) => (slot[bound] ?? 0) > 0));
      first = Math.max(used.indexOf(true), 0);
      last = Math.max(used.lastIndexOf(true), first);
      most = Math.max(...data.counts.flat(), 1);
      chart.show(data.window, data.times, { rows: data.times.map(() => last - first + 1) });
      const steps = [0.12, 0.34, 0.56, 0.78, 1].map((part) => {
        const made = el("i", { "aria-hidden": "true" });
        made.style.background = tools.palette.heat(part);
        return made;
      });
      fill(scale, `${view.phase}, requests in a cell: 1 `, ...steps, ` ${count(most)}. A click lists them.`);
    },
  };
}
