/**
 * Says in words what is the case right now: the one place that decides what the page claims.
 *
 * Each kind of "no emotion" is distinct, for they mean different things and have different
 * remedies: silence is not neutral, a muted microphone is not silence, a lost daemon is not ended.
 */

import { LABELS } from "../state/events.js";
import { shareOfLevel } from "../ui/level.js";
import { STATE_WORDS, STATUS_WORDS, dayOrTime, duration, percent } from "../ui/words.js";

/**
 * @typedef {"connecting"|"offline"|"locked"|"waiting"|"quiet"|"ended"|"muted"|"stalled"|"reconnecting"
 *   |"analysing"|"warmup"|"silence"|"uncertain"|"speech"|"mixed"} Kind
 */

/**
 * @typedef {object} Situation
 * @property {Kind} kind
 * @property {import("../state/events.js").Label|null} label
 * @property {string} word the large one
 * @property {string} detail the line below it
 * @property {string} note a warning that does not replace the emotion, "" for none
 * @property {number} confidence 0 where there is none
 * @property {number} loudness 0 to 1, for the eye only
 * @property {string} [news] what a screen reader says, where that is more than the word
 */

const QUIET_STRIDES = 12;
const QUIET_SECONDS = 3;
/** A clock of another daemon that is so far off puts its times of day elsewhere. */
const WRONG_CLOCK_SECONDS = 5;
/** Letters of the source's own explanation. */
const LONGEST_DETAIL = 160;

/** @param {string} detail of a status @returns {string} that stands beside the page's own sentences */
const sentence = (detail) => (detail === "" ? ""
  : `${detail[0].toUpperCase()}${detail.slice(1)}${/[.!?…]$/.test(detail) ? "" : "."}`);

/** @param {import("../state/stream.js").Stream} stream @returns {string} */
function held(stream) {
  const { seconds, atLeast } = stream.held;
  if (seconds < 1) return "just now";
  return atLeast ? `for at least ${duration(seconds)}` : `for ${duration(seconds)}`;
}

/** @param {import("../state/stream.js").Stream} stream @returns {string} the strongest score */
function leaning(stream) {
  const scores = stream.last?.scores;
  if (!scores) return "unknown";
  const best = scores.reduce((top, score, index) => (score > scores[top] ? index : top), 0);
  return `${LABELS[best]} ${percent(scores[best])}`;
}

/**
 * @param {import("../state/stream.js").Stream|null} stream
 * @param {import("../daemon/connection.js").LinkState} link
 * @param {number} nowMs
 * @returns {Situation}
 */
export function situationOf(stream, link, nowMs) {
  const last = stream?.last ?? null;
  const loudness = last === null ? 0 : shareOfLevel(last.level_dbfs);
  /** @type {(kind: Kind, word: string, detail: string, loud?: number) => Situation} */
  const say = (kind, word, detail, loud = 0) =>
    ({ kind, label: null, word, detail, note: "", confidence: 0, loudness: loud });

  if (link.reason !== "") {
    const next = link.phase === "waiting" ? `Next try in ${link.retryInSeconds} s.` : "Trying again…";
    return { ...say("offline", "not connected", `${link.reason} ${next}`), news: link.reason };
  }
  if (link.phase === "waiting") {
    const word = last === null ? "not connected" : "reconnecting";
    return say("offline", word, `The daemon does not answer. Next try in ${link.retryInSeconds} s.`);
  }
  if (link.phase === "locked") {
    return say("locked", "locked", "This daemon needs its token.");
  }
  if (link.phase === "connecting") {
    return last === null
      ? say("connecting", "connecting", "Looking for the daemon…")
      : say("offline", "reconnecting", "Trying to reach the daemon…");
  }
  if (stream === null) return say("waiting", "waiting", "Connected. No sound has arrived yet.");

  const { room } = stream;
  if (room !== null && room.state !== "connected") {
    const why = sentence(room.detail.slice(0, LONGEST_DETAIL));
    if (room.state === "connecting") return say("connecting", "connecting", `Looking for ${room.name}…`);
    return say("offline", "not reachable", `${room.name}, since ${dayOrTime(room.since)}. ${why}`.trimEnd());
  }
  if (!stream.isPresent) return say("ended", STATUS_WORDS.ended, "This stream is gone.");

  const why = sentence(stream.statusDetail.slice(0, LONGEST_DETAIL));
  switch (stream.status) {
    case "ended": return say("ended", STATUS_WORDS.ended, `The source has ended. ${why}`);
    case "muted": return say("muted", STATUS_WORDS.muted, why || "The daemon does not listen.");
    case "stalled": return say("stalled", STATUS_WORDS.stalled, `The source sends no sound. ${why}`);
    case "reconnecting":
      return say("reconnecting", STATUS_WORDS.reconnecting, `The daemon is opening it again. ${why}`);
  }
  if (last === null) return say("waiting", "waiting", "Connected. No sound has arrived yet.");
  const quietSeconds = (nowMs - stream.lastEventAtMs) / 1000;
  if (quietSeconds > Math.max(QUIET_SECONDS, QUIET_STRIDES * stream.events.strideSeconds)) {
    return say("quiet", "no updates", `No update from the daemon for ${duration(quietSeconds)}.`);
  }

  /** @type {Situation} */
  const situation = say(last.state, STATE_WORDS[last.state], "", loudness);
  switch (last.state) {
    case "warmup":
      situation.detail = "Listening to the first half second.";
      break;
    case "silence":
      situation.detail = `No speech, ${held(stream)}.`;
      break;
    case "uncertain":
      situation.detail = `Not sure yet. Closest: ${leaning(stream)}.`;
      break;
    case "speech":
      situation.label = last.label;
      situation.word = last.label ?? "unknown";
      situation.confidence = last.confidence ?? 0;
      situation.detail = `${percent(situation.confidence)} sure, ${held(stream)}`;
      break;
  }
  if (stream.status === "overload") {
    situation.note = `${room === null ? "This computer" : room.name} is too slow. ${why}`;
  }
  if (room !== null && Math.abs(room.clockSeconds) >= WRONG_CLOCK_SECONDS) {
    const where = room.clockSeconds > 0 ? "ahead" : "behind";
    situation.note = `The clock of ${room.name} is ${duration(Math.abs(room.clockSeconds))} ${where}.`;
  }
  return situation;
}
