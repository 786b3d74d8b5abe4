/** Checks the daemon's answers to this page's requests on arrival, like the events. */

import { LABELS } from "../state/events.js";
import { emotion, finite, isObject, label, scoreList, text } from "./protocol.js";

/**
 * @typedef {object} Started
 * @property {"started"} type
 * @property {string} stream the daemon's name for it
 */

/** @typedef {import("../state/file-stream.js").Result} Result */
/** @typedef {{type: "analysis", result: Result}} Analysis */
/** @typedef {{type: "history", files: Result[]}} FileHistory */
/**
 * @typedef {object} Recalled a part of what a file's events were
 * @property {"recalled"} type
 * @property {Result} result
 * @property {import("../state/events.js").EmotionEvent[]} events
 * @property {boolean} isFirst
 * @property {boolean} isLast
 */

/**
 * @typedef {object} ErrorReply
 * @property {"error"} type
 * @property {string} error its code
 * @property {string} detail a sentence for people, with the remedy
 * @property {string} about the type of the message that it answers
 */

/** @typedef {Started|Analysis|FileHistory|Recalled|ErrorReply} Reply */

/** @param {Record<string, unknown>} data @returns {Result} */
function result(data) {
  const known = label(data.label);
  return {
    id: finite(data.id), name: text(data.name), time: finite(data.time) ?? 0,
    duration: Math.max(0, finite(data.duration) ?? 0), label: known,
    confidence: known === null ? 0 : finite(data.confidence) ?? 0, scores: scoreList(data.scores),
    shares: shareList(data.shares),
  };
}

/** @param {unknown} value @returns {Result["shares"]} the largest first; none for an older result */
function shareList(value) {
  if (!isObject(value)) return [];
  const all = LABELS.map((name) => ({ label: name, share: Math.min(1, Math.max(0, finite(value[name]) ?? 0)) }));
  return all.filter(({ share }) => share > 0).sort((one, other) => other.share - one.share);
}

/** @param {unknown} list @returns {Record<string, unknown>[]} */
const objects = (list) => (Array.isArray(list) ? list.filter(isObject) : []);

/**
 * @param {Record<string, unknown>} data
 * @returns {Reply|null} null for anything else
 */
export function parseReply(data) {
  switch (data.type) {
    case "started": return { type: "started", stream: text(data.stream) };
    case "analysis": return { type: "analysis", result: result(data) };
    case "history": return { type: "history", files: objects(data.files).map(result) };
    case "recalled": {
      const parts = objects(data.events);
      const events = parts.map(emotion).filter((event) => event !== null);
      const first = finite(data.first) ?? 0;
      const isLast = first + parts.length >= (finite(data.total) ?? 0);
      return { type: "recalled", result: result(data), events, isFirst: first === 0, isLast };
    }
    case "error": return {
      type: "error", error: text(data.error),
      detail: text(data.detail) || "The daemon refused and gave no reason.", about: text(data.about),
    };
    default: return null;
  }
}
