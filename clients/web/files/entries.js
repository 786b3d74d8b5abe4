/** Makes one list of analysed files and recorded sessions, and finds in it what is looked for. */

import { verdictOf } from "../state/verdict.js";
import { dayAndTime, dayOf, percent, shownName } from "../ui/words.js";

/**
 * @typedef {object} Entry
 * @property {string} key that no other entry has
 * @property {"file"|"session"} kind
 * @property {number|string} id as the daemon calls it
 * @property {string} name
 * @property {number} time Unix time of the analysis, or of the beginning of the recording
 * @property {number} duration in seconds
 * @property {number|null} bytes of its storage; null for what this page alone has
 * @property {import("../state/events.js").Label|null} label
 * @property {string} word what it holds, or what it is
 * @property {boolean} isRecording whether it is being recorded
 * @property {string} found what a search looks at
 */

/** @param {number|string} id @param {"file"|"session"} kind */
export const keyOf = (id, kind) => `${kind} ${id}`;

/** @param {import("./library.js").Result} result @returns {Entry} */
function ofResult(result) {
  const { id, time, duration, confidence } = result;
  const { word, label } = verdictOf(result);
  const name = shownName(result.name);
  return {
    key: keyOf(id, "file"), kind: "file", id, name, time, duration, bytes: result.bytes, label,
    word: label === null ? word : `${label} ${percent(confidence)}`, isRecording: false,
    found: searchable(name, word, "file analysed", time),
  };
}

/** @param {import("../state/session-stream.js").Session} session @returns {Entry} */
function ofSession(session) {
  const { id, time, duration, bytes, isRecording } = session;
  const name = shownName(session.name);
  return {
    key: keyOf(id, "session"), kind: "session", id, name, time, duration, bytes, label: null,
    word: isRecording ? "being recorded" : "recording", isRecording,
    found: searchable(name, session.stream, "recording recorded", time),
  };
}

/** @param {string} name @param {string} about @param {string} kind @param {number} time */
const searchable = (name, about, kind, time) =>
  [name, about, kind, dayOf(time), dayAndTime(time)].join(" ").toLocaleLowerCase();

/**
 * @param {import("./library.js").Result[]} results
 * @param {import("../state/session-stream.js").Session[]} sessions
 * @returns {Entry[]} the newest first
 */
export const entriesOf = (results, sessions) =>
  [...results.map(ofResult), ...sessions.map(ofSession)].sort((a, b) => b.time - a.time);

/**
 * @param {Entry[]} entries @param {string} text what is looked for
 * @returns {Entry[]} those that have each of its words in the name, emotion, stream, kind or day
 */
export function matching(entries, text) {
  const words = text.toLocaleLowerCase().split(/\s+/u).filter((word) => word !== "");
  return entries.filter(({ found }) => words.every((word) => found.includes(word)));
}

/** @param {Entry[]} entries @returns {number} */
export const bytesOf = (entries) => entries.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
