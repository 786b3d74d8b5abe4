/** Holds a recorded session as the page shows it: like a file, with the times of the day. */

import { LABELS } from "./events.js";
import { FileStream } from "./file-stream.js";

/**
 * @typedef {object} Session what the daemon lists
 * @property {string} id
 * @property {string} name of its file
 * @property {string} stream that was recorded
 * @property {number} time Unix time of its beginning, in seconds
 * @property {number} begin second of the stream at which it begins
 * @property {number} duration in seconds
 * @property {number} bytes of all its files
 * @property {boolean} isRecording whether it is being recorded
 */
/** @typedef {import("./events.js").EmotionEvent} EmotionEvent */

/**
 * @param {EmotionEvent[]} events @param {number} usual
 * @returns {number} the usual time from one to the next: a gap is longer, the last can be nearer
 */
function strideOf(events, usual) {
  const steps = events.slice(1).map(({ end }, index) => end - events[index].end).filter((step) => step > 0);
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? usual;
}

export class SessionStream extends FileStream {
  noun = "recording";
  activity = "reading";
  silence = "the sound stays with the daemon";
  /** Up to where it has come. */
  #readSeconds = 0;

  /**
   * @param {Session} session @param {EmotionEvent[]} first events of it, which tell the stride
   * @param {number} usualStride in seconds
   */
  constructor(session, first, usualStride) {
    super(session.name, strideOf(first, usualStride), session.duration);
    this.session = session;
    this.events.isDated = true;
  }

  /** @returns {number} how much of it has come, 0 to 1 */
  get progress() {
    const { duration } = this.session;
    return this.result !== null || duration === 0 ? 1 : Math.min(1, this.#readSeconds / duration);
  }

  /** @param {EmotionEvent[]} events that have come, though they are not shown yet */
  foresee(events) {
    const last = events[events.length - 1];
    if (last !== undefined) this.#readSeconds = last.end - this.session.begin;
  }

  /** @param {EmotionEvent[]} events that follow; what was recorded since the list was made is left out */
  take(events) {
    const { begin, duration } = this.session;
    for (const event of events) {
      const [start, end] = [event.start - begin, event.end - begin];
      if (end > 0 && end <= duration + 1e-6) this.add({ ...event, start: Math.max(0, start), end }, 0);
    }
  }

  /** All events have come: sums them up. */
  conclude() {
    const { events, session } = this;
    const { time, duration } = session;
    const held = events.measure(0, duration)?.labels ?? [];
    const shares = LABELS.map((label, index) => ({ label, share: (held[index] ?? 0) / duration }))
      .filter(({ share }) => share > 0).sort((one, other) => other.share - one.share);
    const scores = this.#meanOfRaw();
    const most = scores === null ? -1 : scores.indexOf(Math.max(...scores));
    this.result = {
      id: null, name: session.name, time, duration, scores, shares, bytes: session.bytes,
      label: most < 0 ? null : LABELS[most], confidence: scores?.[most] ?? 0,
    };
  }

  /** @returns {number[]|null} the mean over the speech, in the order of LABELS; null without speech */
  #meanOfRaw() {
    const { events } = this;
    const sums = LABELS.map(() => 0);
    let weights = 0;
    for (let id = events.first; id < events.next; id += 1) {
      const slot = events.slot(id);
      if (events.hasScores[slot] !== 1) continue;
      const weight = events.speechRatio[slot];
      weights += weight;
      for (let index = 0; index < sums.length; index += 1) {
        sums[index] += weight * events.raw[slot * sums.length + index];
      }
    }
    return weights > 0 ? sums.map((sum) => sum / weights) : null;
  }
}
