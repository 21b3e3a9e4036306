/**
 * What the server answers, as types. Times are milliseconds since 1970, durations milliseconds.
 */

/** @typedef {{from: number, to: number, interval_ms: number}} Range */
/** @typedef {(number | null)[]} Column */
/** @typedef {Record<string, number | null>} Percentiles by "50", "75", "90", "95", "99", "99.9" and "max" */

/**
 * @typedef {object} PercentilesAnswer
 * @property {Range} window
 * @property {string} phase
 * @property {number} population lines that have the phase's timer
 * @property {number} lines traffic lines
 * @property {Percentiles} whole
 * @property {number[]} times
 * @property {number[]} counts
 * @property {Record<string, Column>} percentiles
 */
/** @typedef {Percentiles & {phase: string, field: string, population: number}} PhaseRow */
/** @typedef {{window: Range, lines: number, rows: PhaseRow[]}} PhasesAnswer */
/** @typedef {{window: Range, times: number[], bounds_ms: number[], counts: number[][]}} HeatmapAnswer */
/**
 * @typedef {object} BackendRow
 * @property {string} backend
 * @property {string | null} server
 * @property {number} requests
 * @property {number} rate
 * @property {number | null} p50
 * @property {number | null} p75
 * @property {number | null} p99
 * @property {number | null} p99_9
 * @property {number} population
 * @property {number} errors
 * @property {number} error_share
 * @property {number} retries
 * @property {number} redispatched
 * @property {number | null} queue_max
 * @property {BackendRow[]} [servers]
 */
/** @typedef {{window: Range, rows: BackendRow[], more: number}} BackendsAnswer */
/**
 * @typedef {object} PathRow
 * @property {string} path
 * @property {number} requests
 * @property {number} population
 * @property {number | null} p50
 * @property {number | null} p75
 * @property {number | null} p99
 * @property {number | null} p99_9
 * @property {number} errors
 */
/** @typedef {{window: Range, rows: PathRow[], more: number}} PathsAnswer */
/** @typedef {{window: Range, times: number[], classes: Record<string, number[]>}} RateAnswer */
/** @typedef {{state: string, count: number, words: string, by: string, phase: string, normal?: boolean}} TerminationRow */
/** @typedef {{times: number[], client: number[], server: number[], proxy: number[]}} Blame */
/** @typedef {{window: Range, rows: TerminationRow[], blame: Blame}} TerminationsAnswer */
/**
 * @typedef {object} PressureAnswer
 * @property {Range} window
 * @property {number[]} times
 * @property {number[]} retries
 * @property {number[]} redispatched
 * @property {{backend: Column, server: Column}} queue_max
 * @property {{active: Column, frontend: Column, backend: Column, server: Column}} connections_max
 */
/** @typedef {{window: Range, rows: {version: string, count: number}[]}} TlsAnswer */
/** @typedef {{window: Range, rows: {address: string, requests: number, errors: number, p75: number | null}[], more: number}} ClientsAnswer */
/**
 * @typedef {object} Mark
 * @property {number} time
 * @property {string} action
 * @property {"up" | "down" | "reload" | "other"} kind
 * @property {string | null} [proxy]
 * @property {string | null} [server]
 * @property {string} text
 * @property {number} [count] how many of them within a second
 */
/** @typedef {{window: Range, marks: Mark[], more: number}} EventsAnswer */
/**
 * @typedef {object} LineRow
 * @property {string} index
 * @property {string} id
 * @property {number} time
 * @property {string | null} frontend
 * @property {string | null} backend
 * @property {string | null} server
 * @property {number | null} status
 * @property {string | null} method
 * @property {string | null} path
 * @property {number | null} total_ms
 * @property {number | null} [phase_ms]
 * @property {string | null} termination
 * @property {string | null} words
 */
/** @typedef {{window: Range, rows: LineRow[]}} LinesAnswer */
/** @typedef {{name: string, alias: string, start_ms: number, lasted_ms: number | null, ended_here: boolean}} Phase */
/** @typedef {{id: string, level: "fine" | "note" | "fault", text: string, advice: string, section: string}} Finding */
/**
 * @typedef {object} Reading
 * @property {string} headline
 * @property {string} time
 * @property {Phase[]} phases
 * @property {Finding[]} findings
 * @property {{path: string, value: string, alias: string, meaning: string}[]} fields
 */
/** @typedef {{reading: Reading | null, why?: string, document: Record<string, unknown>, original: string | null}} LineAnswer */
/**
 * @typedef {object} HealthAnswer
 * @property {boolean} available
 * @property {string} [why] not
 * @property {Record<string, any>} [status] what `shipper status --json` gives
 * @property {Record<string, number>} [rates]
 * @property {string[]} [attention] what needs a look, each in a sentence
 */
/** @typedef {{rows: {value: string, count: number}[]}} ValuesAnswer */

export {};
