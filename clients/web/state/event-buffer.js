/**
 * Holds the recent events of one stream in typed arrays, which grow to a limit and then overwrite
 * the oldest, so that memory stays the same over a day.
 *
 * An event is named by an id that counts all events ever added and therefore never shifts;
 * ids from `first` up to, not including, `next` are still held.
 */

import { LABELS, SOURCE_STATUSES, STATES } from "./events.js";
import { measure } from "./measure.js";

/** What a stream keeps of its own, where the daemon keeps nothing for the page. */
export const KEPT_SECONDS = 600;
const SPARE_EVENTS = 64;
const SMALLEST_CAPACITY = 1024;
const LARGEST_CAPACITY = 400_000;
/** An event further from the one before than this many strides leaves a gap. */
const GAP_STRIDES = 1.6;
/** The daemon thins out what it keeps of a short stride. */
const SHORTEST_GAP_SECONDS = 0.4;

/** Seconds of the clock in a second of sound: less is a file that is played as fast as it goes. */
const SLOWEST_CLOCK = 0.9;

const COUNT = LABELS.length;

/** @param {number} value @returns {number} without the digits that Float32 adds */
export const round4 = (value) => Math.round(value * 1e4) / 1e4;

export class EventBuffer {
  #mostEvents;

  /**
   * @param {number} strideSeconds
   * @param {number|null} [durationSeconds] of a file, which is kept whole
   * @param {number} [keptSeconds] of any other stream
   */
  constructor(strideSeconds, durationSeconds = null, keptSeconds = KEPT_SECONDS) {
    this.strideSeconds = strideSeconds;
    this.durationSeconds = durationSeconds;
    /** Whether a file says when it was recorded. */
    this.isDated = false;
    const wanted = Math.ceil((durationSeconds ?? keptSeconds) / strideSeconds) + SPARE_EVENTS;
    this.#mostEvents = durationSeconds === null
      ? Math.min(LARGEST_CAPACITY, Math.max(SMALLEST_CAPACITY, wanted)) : wanted;
    this.capacity = Math.min(this.#mostEvents, SMALLEST_CAPACITY);
    this.next = 0;
    /** Position on the page's own time line, in seconds; it goes on where a daemon restarted. */
    this.position = new Float64Array(this.capacity);
    this.start = new Float64Array(this.capacity);
    this.end = new Float64Array(this.capacity);
    this.time = new Float64Array(this.capacity);
    this.seq = new Float64Array(this.capacity);
    this.dropped = new Float64Array(this.capacity);
    this.state = new Uint8Array(this.capacity);
    this.status = new Uint8Array(this.capacity);
    /** Index into LABELS, -1 for null. */
    this.label = new Int8Array(this.capacity);
    this.hasScores = new Uint8Array(this.capacity);
    this.confidence = new Float32Array(this.capacity);
    this.speechRatio = new Float32Array(this.capacity);
    this.levelDbfs = new Float32Array(this.capacity);
    /** NaN for null. */
    this.ageMs = new Float32Array(this.capacity);
    this.scores = new Float32Array(this.capacity * COUNT);
    this.raw = new Float32Array(this.capacity * COUNT);
  }

  /** Doubles the arrays: only a page that shows hours pays for them. */
  #grow() {
    const capacity = Math.min(this.#mostEvents, 2 * this.capacity);
    const ratio = capacity / this.capacity;
    /** @template {Float64Array|Float32Array|Uint8Array|Int8Array} T @param {T} values @returns {T} */
    const grown = (values) => {
      const Kind = /** @type {new (length: number) => T} */ (values.constructor);
      const longer = new Kind(Math.round(values.length * ratio));
      longer.set(values);
      return longer;
    };
    this.position = grown(this.position);
    this.start = grown(this.start);
    this.end = grown(this.end);
    this.time = grown(this.time);
    this.seq = grown(this.seq);
    this.dropped = grown(this.dropped);
    this.state = grown(this.state);
    this.status = grown(this.status);
    this.label = grown(this.label);
    this.hasScores = grown(this.hasScores);
    this.confidence = grown(this.confidence);
    this.speechRatio = grown(this.speechRatio);
    this.levelDbfs = grown(this.levelDbfs);
    this.ageMs = grown(this.ageMs);
    this.scores = grown(this.scores);
    this.raw = grown(this.raw);
    this.capacity = capacity;
  }

  get first() {
    return Math.max(0, this.next - this.capacity);
  }

  get isEmpty() {
    return this.next === 0;
  }

  /** @param {number} id @returns {number} where the arrays hold this event */
  slot(id) {
    return id % this.capacity;
  }

  /** @param {number} id */
  positionOf(id) {
    return this.position[id % this.capacity];
  }

  get newestPosition() {
    return this.isEmpty ? 0 : this.positionOf(this.next - 1);
  }

  /** Where the time line ends: with the newest event, a file's with the file. */
  get endPosition() {
    return this.durationSeconds ?? this.newestPosition;
  }

  /** Whether a position has a time of day: not in most files, nor where sound is faster than the clock. */
  get hasTimesOfDay() {
    if ((this.durationSeconds !== null && !this.isDated) || this.isEmpty) return false;
    const [oldest, newest] = [this.first, this.next - 1];
    const passed = this.time[this.slot(newest)] - this.time[this.slot(oldest)];
    return passed >= SLOWEST_CLOCK * (this.positionOf(newest) - this.positionOf(oldest));
  }

  get oldestPosition() {
    if (this.isEmpty || this.durationSeconds !== null) return 0;
    return this.positionOf(this.first) - this.strideSeconds;
  }

  /**
   * @param {import("./events.js").EmotionEvent} event
   * @param {number} position
   * @param {import("./events.js").SourceStatus} status of the source at that moment
   */
  add(event, position, status) {
    // Nothing has been overwritten yet: every slot is its event's id.
    if (this.next === this.capacity && this.capacity < this.#mostEvents) this.#grow();
    const slot = this.slot(this.next);
    this.position[slot] = position;
    this.start[slot] = event.start;
    this.end[slot] = event.end;
    this.time[slot] = event.time;
    this.seq[slot] = event.seq;
    this.dropped[slot] = event.dropped_samples;
    this.state[slot] = STATES.indexOf(event.state);
    this.status[slot] = SOURCE_STATUSES.indexOf(status);
    this.label[slot] = event.label === null ? -1 : LABELS.indexOf(event.label);
    this.hasScores[slot] = event.scores === null ? 0 : 1;
    this.confidence[slot] = event.confidence ?? 0;
    this.speechRatio[slot] = event.speech_ratio;
    this.levelDbfs[slot] = event.level_dbfs;
    this.ageMs[slot] = event.age_ms ?? NaN;
    for (let index = 0; index < COUNT; index += 1) {
      this.scores[slot * COUNT + index] = event.scores?.[index] ?? 0;
      this.raw[slot * COUNT + index] = event.raw?.[index] ?? 0;
    }
    this.next += 1;
  }

  /** @param {number} position @returns {number} the first id at or after it, `next` if none */
  atOrAfter(position) {
    let [low, high] = [this.first, this.next];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.positionOf(middle) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} id @returns {boolean} whether nothing is missing before this event */
  follows(id) {
    if (id <= this.first) return false;
    const gap = Math.max(SHORTEST_GAP_SECONDS, GAP_STRIDES * this.strideSeconds);
    return this.positionOf(id) - this.positionOf(id - 1) < gap;
  }

  /** @param {number} id @returns {number} where the stretch that this event stands for begins */
  beginOf(id) {
    return this.follows(id) ? this.positionOf(id - 1) : this.positionOf(id) - this.strideSeconds;
  }

  /**
   * @param {number} position
   * @returns {number|null} the event whose stretch covers this position
   */
  covering(position) {
    const id = this.atOrAfter(position);
    if (id >= this.next) return null;
    return this.beginOf(id) <= position ? id : null;
  }

  /**
   * @param {number} begin @param {number} end positions in seconds
   * @returns {import("./measure.js").Measure|null} null where there is no event
   */
  measure(begin, end) {
    return measure(this, begin, end);
  }

  /** @param {number} id @returns {string} what a label run shows: a label's or a state's name */
  kindOf(id) {
    const slot = this.slot(id);
    return this.label[slot] >= 0 ? LABELS[this.label[slot]] : STATES[this.state[slot]];
  }

  /**
   * @param {number} id
   * @param {string} stream
   * @returns {import("./events.js").EmotionEvent} as the daemon sent it
   */
  event(id, stream) {
    const slot = this.slot(id);
    const held = this.hasScores[slot] === 1;
    const list = (/** @type {Float32Array} */ values) =>
      held ? Array.from(values.subarray(slot * COUNT, (slot + 1) * COUNT), round4) : null;
    const labelled = this.label[slot] >= 0;
    const age = this.ageMs[slot];
    return {
      type: "emotion", seq: this.seq[slot], stream,
      start: this.start[slot], end: this.end[slot], time: this.time[slot],
      state: STATES[this.state[slot]],
      label: labelled ? LABELS[this.label[slot]] : null,
      confidence: labelled ? round4(this.confidence[slot]) : null,
      scores: list(this.scores), raw: list(this.raw),
      speech_ratio: round4(this.speechRatio[slot]), level_dbfs: round4(this.levelDbfs[slot]),
      age_ms: Number.isNaN(age) ? null : round4(age), dropped_samples: this.dropped[slot],
    };
  }
}
