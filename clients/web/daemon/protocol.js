/**
 * Checks the messages of the daemon's WebSocket on arrival. Whatever does not fit is dropped here,
 * so that no other module has to doubt a field's type.
 */

import { LABELS, SOURCE_STATUSES, STATES } from "../state/events.js";

/** @typedef {import("../state/events.js").EmotionEvent} EmotionEvent */
/** @typedef {import("../state/events.js").ChangeEvent} ChangeEvent */
/** @typedef {import("../state/events.js").StatusEvent} StatusEvent */
/** @typedef {import("../state/events.js").Hello} Hello */
/** @typedef {import("../state/events.js").Rooms} Rooms */
/** @typedef {import("../state/events.js").Room} Room */
/** @typedef {import("../state/events.js").Message} Message */

/** The protocol version that this page speaks. */
export const PROTOCOL_VERSION = 1;

const DEFAULT_STRIDE_SECONDS = 0.25;
const LONGEST_DAEMON_NAME = 63;
const REPORT = "model.html"; // beside this page

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {unknown} value @returns {number|null} */
export const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** @param {unknown} value @returns {string} */
export const text = (value) => (typeof value === "string" ? value : "");

/** @param {unknown} value @returns {import("../state/events.js").Label|null} */
export const label = (value) => LABELS.find((known) => known === value) ?? null;

/** @param {unknown} value @returns {number[]|null} */
export function scoreList(value) {
  if (!isObject(value)) return null;
  return LABELS.map((name) => Math.min(1, Math.max(0, finite(value[name]) ?? 0)));
}

/** @param {Record<string, unknown>} data @returns {EmotionEvent|null} */
export function emotion(data) {
  const [seq, end, time] = [finite(data.seq), finite(data.end), finite(data.time)];
  const state = STATES.find((known) => known === data.state);
  if (typeof data.stream !== "string" || seq === null || end === null || time === null) return null;
  if (state === undefined) return null;
  const known = state === "speech" ? label(data.label) : null;
  return {
    type: "emotion", seq, stream: data.stream, start: finite(data.start) ?? end, end, time, state,
    label: known,
    confidence: known === null ? null : finite(data.confidence),
    scores: scoreList(data.scores),
    raw: scoreList(data.raw),
    speech_ratio: finite(data.speech_ratio) ?? 0,
    level_dbfs: finite(data.level_dbfs) ?? -120,
    age_ms: finite(data.age_ms),
    dropped_samples: finite(data.dropped_samples) ?? 0,
  };
}

/** @param {Record<string, unknown>} data @returns {ChangeEvent|null} */
function change(data) {
  const [seq, at] = [finite(data.seq), finite(data.at)];
  if (typeof data.stream !== "string" || seq === null || at === null) return null;
  return { type: "change", seq, stream: data.stream, at, to: label(data.to) };
}

/** @param {Record<string, unknown>} data @returns {StatusEvent|null} */
function status(data) {
  const seq = finite(data.seq);
  const known = SOURCE_STATUSES.find((name) => name === data.status);
  if (typeof data.stream !== "string" || seq === null || known === undefined) return null;
  return {
    type: "status", seq, stream: data.stream, status: known, detail: text(data.detail),
    demo: typeof data.demo === "boolean" ? data.demo : null,
    replay: data.replay === true,
    device: typeof data.device === "string" ? data.device : null,
    deviceLatencyMs: finite(data.device_latency_ms),
  };
}

/** @param {Record<string, unknown>} data @returns {Room} */
function room(data) {
  const stride = finite(data.stride_seconds);
  const streams = Array.isArray(data.streams) ? data.streams : [];
  return {
    name: text(data.name).slice(0, LONGEST_DAEMON_NAME),
    state: data.state === "connected" || data.state === "unreachable" ? data.state : "connecting",
    since: finite(data.since) ?? 0,
    detail: text(data.detail),
    strideSeconds: stride !== null && stride > 0 ? stride : DEFAULT_STRIDE_SECONDS,
    clockSeconds: finite(data.clock_seconds) ?? 0,
    streams: streams.filter((name) => typeof name === "string"),
  };
}

/** @param {Record<string, unknown>} data @returns {Rooms} */
function rooms(data) {
  return { type: "rooms", rooms: Array.isArray(data.rooms) ? data.rooms.filter(isObject).map(room) : [] };
}

/** @param {Record<string, unknown>} data @returns {Hello} */
function hello(data) {
  const model = isObject(data.model) ? data.model : {};
  const stride = finite(data.stride_seconds);
  const streams = Array.isArray(data.streams) ? data.streams : [];
  const clients = isObject(data.client_streams) ? data.client_streams : {};
  return {
    type: "hello",
    protocol: finite(data.protocol) ?? 0,
    version: text(data.version),
    name: text(data.name).slice(0, LONGEST_DAEMON_NAME),
    modelName: text(model.name),
    report: model.report === REPORT ? REPORT : "",
    strideSeconds: stride !== null && stride > 0 ? stride : DEFAULT_STRIDE_SECONDS,
    streams: streams.filter((name) => typeof name === "string"),
    demo: data.demo === true,
    last: isObject(data.last) ? emotion(data.last) : null,
    mostClientStreams: finite(clients.max) ?? 0,
    mostFileSeconds: finite(clients.max_file_seconds) ?? 0,
    mostMessageBytes: finite(clients.max_message_bytes) ?? 0,
    keepsHistory: clients.history === true,
    pairs: data.pairing === true,
    hasSessions: data.sessions === true,
  };
}

/**
 * @param {unknown} payload what a WebSocket message event carries
 * @returns {Record<string, unknown>|null} null for anything that is not an object
 */
export function parseObject(payload) {
  if (typeof payload !== "string") return null;
  try {
    const data = JSON.parse(payload);
    return isObject(data) ? data : null;
  } catch {
    return null;
  }
}

/**
 * @param {Record<string, unknown>} data
 * @returns {Message|null} null for anything that is not a greeting or an event
 */
export function parseMessage(data) {
  switch (data.type) {
    case "hello": return hello(data);
    case "rooms": return rooms(data);
    case "emotion": return emotion(data);
    case "change": return change(data);
    case "status": return status(data);
    default: return null;
  }
}
