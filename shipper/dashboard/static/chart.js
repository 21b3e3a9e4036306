/**
 * A chart over time.
 *
 * 1. It spans the range that was asked for, also where there is no data.
 * 2. Dragging over it chooses a range; a double click zooms out. By keyboard: ← and → move the cursor, with Shift they
 *    choose, Enter goes there. What stands at the cursor is shown beside it, and read out.
 * 3. The cursors of all charts move together; so do the marks of servers and reloads.
 */

import { el, fill, swatch } from "./dom.js";
import { between, widened } from "./range.js";
import { ends, ticks } from "./scale.js";

/** @typedef {import("./contract.js").Range} Range */
/** @typedef {import("./contract.js").Column} Column */
/** @typedef {import("./app.js").Tools} Tools */
/**
 * @typedef {object} Line
 * @property {string} key
 * @property {string} label
 * @property {string} color a name in theme.css
 * @property {number[]} [dash]
 * @property {number} [width]
 * @property {boolean} [silent] not named at the cursor
 */
/**
 * @typedef {object} Options
 * @property {string} label what the chart shows, for those who do not see it
 * @property {Line[]} lines
 * @property {(value: number) => string} unit of a value at the cursor
 * @property {(value: number) => string} tick of a value at the axis
 * @property {"lines" | "stack" | "cells"} shape
 * @property {boolean} [whole] values are whole numbers, and so are the ticks
 * @property {(u: uPlot) => void} [draw] what is drawn first, below the marks
 * @property {(u: uPlot, slot: number) => import("./dom.js").Child[]} [tell] what is said at the cursor instead
 * @property {(u: uPlot) => void} [click]
 */

const HEIGHT_PX = 216;
const DRAG_PX_MIN = 6;
const MARK_PX = 5;
const MARKS_TOLD_MAX = 2;
const MARKS_BOLD = 8; // more of them fade, or they would hide the data

export class TimeChart {
  /** @type {Range} */
  #window = { from: 0, to: 1, interval_ms: 1 };
  #log = false;
  /** @type {Record<string, Column>} */
  #columns = {};
  /** @type {number | null} */
  #anchor = null;

  /**
   * @param {Options} options
   * @param {Tools} tools
   */
  constructor(options, tools) {
    this.options = options;
    this.tools = tools;
    this.tip = el("div", { class: "tip", hidden: true });
    this.host = el("div", {
      class: "chart",
      tabindex: 0,
      role: "group",
      "aria-roledescription": "chart",
      "aria-label": `${options.label}. Left and right move through time, with Shift they choose a range, Enter shows it.`,
      keydown: (event) => this.#key(event),
      blur: () => this.#leave(),
    });
    this.plot = new uPlot(this.#settings(), [[], ...options.lines.map(() => [])], this.host);
    this.plot.over.append(this.tip);
    if (options.click) this.plot.over.addEventListener("click", () => options.click?.(this.plot));
    new ResizeObserver(() => this.#resize()).observe(this.host);
    tools.palette.subscribe(() => this.plot.redraw(false));
    tools.marks.subscribe(() => this.plot.redraw(false));
  }

  /**
   * Show data: a column for each line that has one.
   * @param {Range} window
   * @param {number[]} times
   * @param {Record<string, Column>} columns
   * @param {{log?: boolean, hide?: string[]}} [how]
   */
  show(window, times, columns, how = {}) {
    this.#window = window;
    this.#columns = columns;
    this.#log = how.log ?? false;
    const { lines, shape } = this.options;
    const shown = lines.map((line) => columns[line.key] ?? times.map(() => null));
    const data = shape === "stack" ? stacked(shown) : shown;
    this.plot.batch(() => {
      for (const [i, line] of lines.entries()) {
        const show = !how.hide?.includes(line.key) && columns[line.key] !== undefined;
        if (this.plot.series[i + 1]?.show !== show) this.plot.setSeries(i + 1, { show }, false);
      }
    });
    this.plot.setData([times, ...data], true); // a batch of its own, or the axis would be that of no data
  }

  /** @returns {uPlot.Options} */
  #settings() {
    const { options, tools } = this;
    const axis = {
      stroke: () => tools.palette.get("muted"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: () => tools.palette.get("grid"), width: 1 },
      ticks: { show: false },
    };
    return {
      width: 320,
      height: HEIGHT_PX,
      ms: 1,
      tzDate: (ms) => tools.clock().date(ms),
      padding: [10, 18, 0, 0],
      legend: { show: false },
      cursor: {
        y: options.shape === "cells",
        drag: { x: true, y: false, setScale: false, dist: DRAG_PX_MIN },
        focus: { prox: -1 },
        points: { size: 6, show: options.shape === "lines" },
        bind: { dblclick: () => () => this.#widen() },
        sync: {
          key: "time",
          setSeries: false,
          scales: ["x", null],
          filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
        },
      },
      scales: {
        x: { time: true, range: () => [this.#window.from, this.#window.to] },
        y: {
          distr: 100,
          fwd: (value) => (this.#log ? Math.asinh(value) : value),
          bwd: (value) => (this.#log ? Math.sinh(value) : value),
          range: (_, low, high) => (options.shape === "cells" ? [0, high || 1] : ends(low, high, this.#log)),
        },
      },
      axes: [
        { ...axis, size: 38, gap: 6, space: 70, values: (_, at, _i, _s, step) => tools.clock().ticks(at, step) },
        {
          ...axis,
          size: 58,
          gap: 6,
          splits: (_, _i, low, high) => ticks(low, high, this.#log, options.whole),
          filter: (_, at) => at,
          values: (_, at) => at.map(options.tick),
        },
      ],
      series: [{}, ...options.lines.map((line) => this.#series(line))],
      hooks: {
        drawAxes: options.draw ? [options.draw] : [],
        draw: [(u) => this.#drawMarks(u)],
        setCursor: [(u) => this.#point(u)],
        setSelect: [(u) => this.#select(u)],
      },
    };
  }

  /**
   * @param {Line} line
   * @returns {uPlot.Series}
   */
  #series(line) {
    const color = () => this.tools.palette.get(line.color);
    const paths =
      this.options.shape === "stack"
        ? uPlot.paths.bars?.({ size: [1, Number.POSITIVE_INFINITY], align: 1, gap: 1 })
        : uPlot.paths.linear?.();
    return {
      stroke: this.options.shape === "stack" ? undefined : color,
      fill: this.options.shape === "stack" ? color : undefined,
      width: line.width ?? 1.6,
      dash: line.dash,
      paths,
      points: { show: this.options.shape === "lines", size: 4, filter: alone, fill: color },
    };
  }

  /**
   * What stands beside the cursor.
   * @param {number} slot
   * @returns {import("./dom.js").Child[]}
   */
  #told(slot) {
    if (this.options.tell) return this.options.tell(this.plot, slot);
    return this.options.lines
      .filter((line, i) => !line.silent && this.plot.series[i + 1]?.show)
      .map((line) => {
        const value = this.#columns[line.key]?.[slot];
        const text = value === null || value === undefined ? "–" : this.options.unit(value);
        return el("div", {}, swatch(line.color), el("span", {}, line.label), " ", el("b", {}, text));
      });
  }

  /** @param {uPlot} u */
  #point(u) {
    const { idx, left, event } = u.cursor;
    const here = this.host.matches(":hover, :focus") || this.host.contains(/** @type {Node} */ (event?.target ?? null));
    const time = idx === null || idx === undefined ? undefined : u.data[0][idx];
    this.tip.hidden = !here || time === undefined || left === undefined || left < 0;
    if (this.tip.hidden || idx === null || idx === undefined || time === undefined) return;
    const marks = this.#marksNear(u, left ?? 0);
    fill(
      this.tip,
      el("div", { class: "when" }, this.tools.clock().instant(time)),
      ...this.#told(idx),
      ...marks
        .slice(0, MARKS_TOLD_MAX)
        .map((mark) => el("div", { class: "event" }, swatch(mark.kind), el("span", {}, mark.text))),
      marks.length > MARKS_TOLD_MAX && el("div", { class: "dim" }, `and ${marks.length - MARKS_TOLD_MAX} more`),
    );
    this.tip.classList.toggle("left", (left ?? 0) > u.over.clientWidth / 2);
    this.tip.style.insetInlineStart = `${left}px`;
  }

  /**
   * @param {uPlot} u
   * @param {number} left
   */
  #marksNear(u, left) {
    return this.tools.marks.list.filter((mark) => Math.abs(u.valToPos(mark.time, "x") - left) <= MARK_PX);
  }

  /** @param {uPlot} u */
  #drawMarks(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.lineWidth = uPlot.pxRatio;
    const { from, to } = this.#window;
    const marks = this.tools.marks.list.filter(({ kind, time }) => kind !== "other" && time >= from && time <= to);
    for (const mark of marks) {
      const x = Math.round(u.valToPos(mark.time, "x", true)) + 0.5;
      ctx.strokeStyle = ctx.fillStyle = this.tools.palette.get(mark.kind);
      ctx.setLineDash(mark.kind === "reload" ? [3 * uPlot.pxRatio, 3 * uPlot.pxRatio] : []);
      ctx.globalAlpha = 0.7 * Math.min(1, MARKS_BOLD / marks.length);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.globalAlpha = 1;
      sign(ctx, mark.kind, x, bbox.top);
    }
    ctx.restore();
  }

  /** @param {uPlot} u */
  #select(u) {
    const { left, width } = u.select;
    if (width < DRAG_PX_MIN) return;
    this.#clear();
    this.tools.store.go(between(u.posToVal(left, "x"), u.posToVal(left + width, "x")));
  }

  #widen() {
    this.tools.store.go(widened(this.tools.store.view, Date.now()));
    return null;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) this.#step(step, event.shiftKey);
    else if (event.key === "Enter") this.#select(this.plot);
    else if (event.key === "Escape") this.#leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {number} by
   * @param {boolean} choosing
   */
  #step(by, choosing) {
    const u = this.plot;
    const times = u.data[0];
    const was = u.cursor.idx ?? (by > 0 ? -1 : times.length);
    const slot = Math.max(0, Math.min(times.length - 1, was + by));
    const time = times[slot];
    if (time === undefined) return;
    if (!choosing) this.#clear();
    else this.#anchor ??= was >= 0 && was < times.length ? was : slot;
    u.setCursor({ left: u.valToPos(time, "x"), top: u.over.clientHeight / 2 });
    if (choosing) this.#mark(times[this.#anchor ?? slot] ?? time, time);
    this.tools.say([...this.tip.children].map((row) => row.textContent).join(", "));
  }

  /**
   * @param {number} one
   * @param {number} other
   */
  #mark(one, other) {
    const [left, right] = [Math.min(one, other), Math.max(one, other) + this.#window.interval_ms].map((time) =>
      this.plot.valToPos(Math.min(time, this.#window.to), "x"),
    );
    const [from, to] = [left ?? 0, right ?? 0];
    this.plot.setSelect({ left: from, width: to - from, top: 0, height: this.plot.over.clientHeight }, false);
  }

  #clear() {
    this.#anchor = null;
    this.plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  #leave() {
    this.#clear();
    this.plot.setCursor({ left: -10, top: -10 });
  }

  #resize() {
    const width = this.host.clientWidth;
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT_PX });
  }
}

/**
 * The sums of each line and those before it: drawn from the last to the first they stand upon each other.
 * @param {Column[]} columns
 * @returns {Column[]}
 */
function stacked(columns) {
  const sums = (columns[0] ?? []).map(() => 0);
  return columns
    .toReversed()
    .map((column) => column.map((value, slot) => (sums[slot] = (sums[slot] ?? 0) + (value ?? 0))))
    .toReversed();
}

/**
 * Points with a gap on both sides, which no line shows.
 * @param {uPlot} u
 * @param {number} series
 */
function alone(u, series) {
  const column = u.data[series] ?? [];
  const found = [];
  for (let i = 0; i < column.length; i++)
    if (column[i] != null && column[i - 1] == null && column[i + 1] == null) found.push(i);
  return found;
}

/**
 * A mark's head: down points down, up points up, a reload is a square.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} kind
 * @param {number} x
 * @param {number} top
 */
function sign(ctx, kind, x, top) {
  const size = 4 * uPlot.pxRatio;
  const [base, tip] = kind === "up" ? [top, top - size * 1.6] : [top - size * 1.6, top];
  ctx.beginPath();
  if (kind === "reload") ctx.rect(x - size * 0.7, top - size * 1.5, size * 1.4, size * 1.4);
  else {
    ctx.moveTo(x - size, base);
    ctx.lineTo(x + size, base);
    ctx.lineTo(x, tip);
  }
  ctx.fill();
}
