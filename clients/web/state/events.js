/**
 * Names what can happen in a stream: the eight labels and the states in the protocol's order, and
 * the events as the page knows them.
 */

/** @typedef {"neutral"|"calm"|"happy"|"sad"|"angry"|"fearful"|"disgust"|"surprised"} Label */

/** @type {readonly Label[]} */
export const LABELS = Object.freeze([
  "neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised",
]);

/** @typedef {"warmup"|"silence"|"uncertain"|"speech"} State */

/** @type {readonly State[]} */
export const STATES = Object.freeze(["warmup", "silence", "uncertain", "speech"]);

/**
 * @typedef {object} EmotionEvent
 * @property {"emotion"} type
 * @property {number} seq counts the stream's events from 0
 * @property {string} stream
 * @property {number} start seconds of the stream's audio
 * @property {number} end seconds of the stream's audio
 * @property {number} time Unix time of the window's last sample, in seconds
 * @property {State} state
 * @property {Label|null} label
 * @property {number|null} confidence
 * @property {number[]|null} scores smoothed, in the order of LABELS
 * @property {number[]|null} raw this window's, in the order of LABELS
 * @property {number} speech_ratio
 * @property {number} level_dbfs
 * @property {number|null} age_ms
 * @property {number} dropped_samples
 */

/**
 * @typedef {object} ChangeEvent
 * @property {"change"} type
 * @property {number} seq
 * @property {string} stream
 * @property {number} at
 * @property {Label|null} to
 */

/** @typedef {"running"|"stalled"|"reconnecting"|"overload"|"muted"|"ended"} SourceStatus */

/** @type {readonly SourceStatus[]} */
export const SOURCE_STATUSES = Object.freeze([
  "running", "stalled", "reconnecting", "overload", "muted", "ended",
]);

/**
 * @typedef {object} StatusEvent
 * @property {"status"} type
 * @property {number} seq
 * @property {string} stream
 * @property {SourceStatus} status
 * @property {string} detail
 * @property {boolean|null} demo
 * @property {boolean} replay
 * @property {string|null} device
 * @property {number|null} deviceLatencyMs
 */

/**
 * @typedef {object} Hello
 * @property {"hello"} type
 * @property {number} protocol
 * @property {string} version
 * @property {string} name what the daemon is called, "" if it does not say
 * @property {string} modelName
 * @property {string} report the page, beside this one, that shows how the model was evaluated; "" without one
 * @property {number} strideSeconds
 * @property {string[]} streams
 * @property {boolean} demo
 * @property {EmotionEvent|null} last
 * @property {number} mostClientStreams 0 where the daemon takes no sound from pages
 * @property {number} mostFileSeconds
 * @property {number} mostMessageBytes
 * @property {boolean} keepsHistory whether the daemon remembers analysed files
 * @property {boolean} pairs whether phones can be paired with the daemon
 * @property {boolean} hasSessions whether the daemon lists recorded sessions
 */

/**
 * @typedef {object} Room another daemon that this one follows
 * @property {string} name
 * @property {"connecting"|"connected"|"unreachable"} state
 * @property {number} since Unix time of the last change of the state
 * @property {string} detail why it is unreachable
 * @property {number} strideSeconds
 * @property {number} clockSeconds how far its clock is ahead of the daemon's
 * @property {string[]} streams their names on this page
 */

/** @typedef {{type: "rooms", rooms: Room[]}} Rooms */

/** @typedef {EmotionEvent|ChangeEvent|StatusEvent} StreamEvent */
/** @typedef {Hello|Rooms|StreamEvent} Message */
