/** Checks the daemon's answers to this page's requests on arrival, like the events. */

import { LABELS, STATES } from "../state/events.js";
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
 * @typedef {object} Past a piece of what the daemon keeps of a stream
 * @property {"past"} type
 * @property {string} stream
 * @property {number} hours for how long the daemon keeps it
 * @property {boolean} hasMore whether there are older events
 * @property {import("../state/events.js").EmotionEvent[]} events the oldest first
 */
/** @typedef {{type: "erased", stream: string}} Erased */
/** @typedef {import("../state/session-stream.js").Session} Session */
/**
 * @typedef {object} SessionList
 * @property {"sessions"} type
 * @property {number} count of all
 * @property {number} bytes of all
 * @property {Session[]} sessions the newest of them
 */
/**
 * @typedef {object} SessionPiece
 * @property {"session"} type
 * @property {string} id
 * @property {number} after as it was asked
 * @property {number|null} next where the next piece begins; null at the end
 * @property {boolean} isDemo
 * @property {import("../state/events.js").EmotionEvent[]} events
 */

/**
 * @typedef {object} ErrorReply
 * @property {"error"} type
 * @property {string} error its code
 * @property {string} detail a sentence for people, with the remedy
 * @property {string} about the type of the message that it answers
 */

/** @typedef {{type: "paired", name: string, token: string}} Paired what this device is called, and its token */
/**
 * @typedef {object} PairingOffer a code for another device
 * @property {"pairing"} type
 * @property {string[]} rows of the QR code, "1" for a dark module
 * @property {string} fingerprint of the certificate
 * @property {number} seconds for how long it is valid
 */
/** @typedef {{type: "pairing-ended", name: string, reason: string}} PairingEnded */
/**
 * @typedef {object} Device a paired one
 * @property {string} name
 * @property {number} paired Unix time, seconds
 * @property {number} seen when it was last let in
 * @property {number} connections that it has now
 */
/** @typedef {{type: "devices", devices: Device[]}} DeviceReply in the order in which they were paired */

/**
 * @typedef {Started|Analysis|FileHistory|Recalled|SessionList|SessionPiece|Past|Erased|Paired|PairingOffer|PairingEnded|DeviceReply|ErrorReply} Reply
 */

/** @param {Record<string, unknown>} data @returns {Result} */
function result(data) {
  const known = label(data.label);
  return {
    id: finite(data.id), name: text(data.name), time: finite(data.time) ?? 0,
    duration: Math.max(0, finite(data.duration) ?? 0), label: known,
    confidence: known === null ? 0 : finite(data.confidence) ?? 0, scores: scoreList(data.scores),
    shares: shareList(data.shares), bytes: finite(data.bytes),
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

/** @param {unknown} list @returns {unknown[]} */
const values = (list) => (Array.isArray(list) ? list : []);

/** @param {unknown} list @returns {number[]|null} in the order of LABELS */
const ordered = (list) => (Array.isArray(list) && list.length === LABELS.length
  ? list.map((score) => Math.min(1, Math.max(0, finite(score) ?? 0))) : null);

/**
 * @param {string} stream @param {Record<string, unknown>} fields a list of values for each
 * @returns {import("../state/events.js").EmotionEvent[]} without what is no event
 */
function pastEvents(stream, fields) {
  const [seqs, ends, times] = [values(fields.seq), values(fields.end), values(fields.time)];
  const [states, labels] = [values(fields.state), values(fields.label)];
  const [starts, ratios, levels] = [values(fields.start), values(fields.speech_ratio), values(fields.level_dbfs)];
  const [ages, dropped] = [values(fields.age_ms), values(fields.dropped_samples)];
  const [scores, raws] = [values(fields.scores), values(fields.raw)];
  /** @type {import("../state/events.js").EmotionEvent[]} */
  const events = [];
  seqs.forEach((each, index) => {
    const [seq, end, time] = [finite(each), finite(ends[index]), finite(times[index])];
    const state = STATES.find((known) => known === states[index]);
    if (seq === null || end === null || time === null || state === undefined) return;
    const known = state === "speech" ? label(labels[index]) : null;
    const smoothed = ordered(scores[index]);
    events.push({
      type: "emotion", seq, stream, start: finite(starts[index]) ?? end, end, time, state, label: known,
      confidence: known === null || smoothed === null ? null : smoothed[LABELS.indexOf(known)],
      scores: smoothed, raw: ordered(raws[index]),
      speech_ratio: finite(ratios[index]) ?? 0, level_dbfs: finite(levels[index]) ?? -120,
      age_ms: finite(ages[index]), dropped_samples: finite(dropped[index]) ?? 0,
    });
  });
  return events;
}

/** @param {Record<string, unknown>} data @returns {Session} */
const session = (data) => ({
  id: text(data.id), name: text(data.name), stream: text(data.stream), time: finite(data.time) ?? 0,
  begin: finite(data.begin) ?? 0, duration: Math.max(0, finite(data.duration) ?? 0),
  bytes: Math.max(0, finite(data.bytes) ?? 0), isRecording: data.recording === true,
});

/** @param {Record<string, unknown>} data @returns {Device} */
const device = (data) => ({
  name: text(data.name), paired: finite(data.paired) ?? 0, seen: finite(data.seen) ?? 0,
  connections: finite(data.connections) ?? 0,
});

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
    case "sessions": {
      const sessions = objects(data.sessions).map(session);
      return { type: "sessions", count: finite(data.count) ?? 0, bytes: finite(data.bytes) ?? 0, sessions };
    }
    case "session": {
      const [id, after, next] = [text(data.id), finite(data.after) ?? 0, finite(data.next)];
      const events = pastEvents("", isObject(data.events) ? data.events : {});
      return { type: "session", id, after, next, isDemo: data.demo === true, events };
    }
    case "past": {
      const stream = text(data.stream);
      const events = pastEvents(stream, isObject(data.events) ? data.events : {});
      return { type: "past", stream, hours: finite(data.hours) ?? 0, hasMore: data.more === true, events };
    }
    case "erased": return { type: "erased", stream: text(data.stream) };
    case "paired": return { type: "paired", name: text(data.name), token: text(data.token) };
    case "pairing": {
      const rows = values(data.qr).map(text);
      return { type: "pairing", rows, fingerprint: text(data.fingerprint), seconds: finite(data.seconds) ?? 0 };
    }
    case "pairing-ended": return { type: "pairing-ended", name: text(data.name), reason: text(data.reason) };
    case "devices": return { type: "devices", devices: objects(data.devices).map(device) };
    case "error": return {
      type: "error", error: text(data.error),
      detail: text(data.detail) || "The daemon refused and gave no reason.", about: text(data.about),
    };
    default: return null;
  }
}
