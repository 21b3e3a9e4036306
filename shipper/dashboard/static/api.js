/**
 * Asks the dashboard's server. An answer is never kept: what is newer is asked for again.
 */

/** What went wrong, and what to do about it. */
export class ApiError extends Error {
  /**
   * @param {string} kind
   * @param {string} what
   * @param {string} todo
   */
  constructor(kind, what, todo) {
    super(what);
    this.kind = kind;
    this.todo = todo;
  }

  /** Whether it concerns the whole page, and not one panel. */
  get everywhere() {
    return ["offline", "unreachable", "refused", "no_index"].includes(this.kind);
  }

  /** Whether the same question may be answered later. */
  get passes() {
    return this.kind !== "bad_request";
  }
}

/** @type {[kind: string, what: string, todo: string]} */
const OFFLINE = [
  "offline",
  "The dashboard's own server does not answer.",
  "Is “shipper dashboard” still running? This page tries again by itself.",
];

/**
 * Ask for one panel's data. Raises ApiError, or the signal's AbortError.
 * @param {string} name
 * @param {URLSearchParams} query
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export async function ask(name, query, signal) {
  let answer;
  let body;
  try {
    answer = await fetch(`api/${name}?${query}`, { signal, cache: "no-store" });
    body = await answer.json();
  } catch (error) {
    if (signal.aborted || answer?.ok === false) throw signal.aborted ? error : strange(answer);
    throw new ApiError(...OFFLINE);
  }
  if (answer.ok) return body;
  const error = body?.error;
  throw error?.what ? new ApiError(error.kind, error.what, error.todo ?? "") : strange(answer);
}

/**
 * @param {Response | undefined} answer
 */
function strange(answer) {
  return new ApiError(
    "strange",
    `The server answered ${answer?.status}, without a reason.`,
    "A proxy in between may have answered in its place; look at its log.",
  );
}
