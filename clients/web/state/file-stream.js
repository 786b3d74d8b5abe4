/** Holds a file as the page shows it: a stream that has a beginning, an end, and one result. */

import { Stream } from "./stream.js";
import { LABELS } from "./events.js";
import { isMixed, verdictOf } from "./verdict.js";

/**
 * @typedef {object} Result what a whole file holds
 * @property {number|null} id null where the daemon keeps no history
 * @property {string} name
 * @property {number} time Unix time of the analysis, in seconds
 * @property {number} duration in seconds
 * @property {import("./events.js").Label|null} label null without speech
 * @property {number} confidence 0 without a label
 * @property {number[]|null} scores in the order of LABELS
 * @property {{label: import("./events.js").Label, share: number}[]} shares of the time, the largest first
 * @property {number|null} bytes that the daemon keeps of it; null where it did not say
 */

/** What the daemon does not send for past events. */
const CAPTURED_AT_MS = 0;

export class FileStream extends Stream {
  /** @type {Result|null} null until it is known */
  result = null;
  /** @type {File|null} null where the sound is not at hand */
  file = null;
  /** Why its analysis stopped, for the viewer; "" where it did not. */
  problem = "";
  /** What it is called. */
  noun = "file";
  /** What is done with it until there is a result. */
  activity = "analysing";
  /** Why it cannot be played where its sound is not at hand. */
  silence = "no playback: the daemon does not keep the sound";

  /** @param {string} name @param {number} strideSeconds @param {number} durationSeconds */
  constructor(name, strideSeconds, durationSeconds) {
    super(name, strideSeconds, CAPTURED_AT_MS, durationSeconds);
    this.durationSeconds = durationSeconds;
  }

  /**
   * @param {Result} result
   * @param {import("./events.js").EmotionEvent[]} events
   * @param {number} strideSeconds of the daemon now; then it may have been another
   */
  static from(result, events, strideSeconds) {
    const [first, second] = events;
    const stride = second === undefined ? strideSeconds : second.end - first.end;
    const fileStream = new FileStream(result.name, stride > 0 ? stride : strideSeconds, result.duration);
    for (const event of events) fileStream.add(event, CAPTURED_AT_MS);
    fileStream.result = result;
    return fileStream;
  }

  /** @returns {number} how much of it has been analysed, 0 to 1 */
  get progress() {
    if (this.result !== null) return 1;
    return this.durationSeconds === 0 ? 0 : Math.min(1, this.events.newestPosition / this.durationSeconds);
  }

  /**
   * @param {number} position in seconds
   * @returns {import("./events.js").EmotionEvent|null} the event at this position
   */
  at(position) {
    // Less than a stride at the very end has no event of its own.
    const id = this.events.covering(Math.min(position, this.events.newestPosition));
    return id === null ? null : this.events.event(id, this.name);
  }

  /** Whether one emotion would say too little of it: then the shares of its time stand for it. */
  get isMixed() {
    return this.result !== null && isMixed(this.result);
  }

  /**
   * @returns {import("./events.js").EmotionEvent|null} the result in the form of one event, whose
   *   scores are the mean of all, or the shares of time where several emotions share the file
   */
  get whole() {
    const { result, events } = this;
    if (result === null || result.scores === null || events.isEmpty) return null;
    const shares = LABELS.map((name) => result.shares.find(({ label }) => label === name)?.share ?? 0);
    return {
      ...events.event(events.next - 1, this.name),
      start: 0, end: this.durationSeconds, state: result.label === null ? "silence" : "speech",
      label: verdictOf(result).label, confidence: result.confidence,
      scores: this.isMixed ? shares : result.scores, raw: null,
    };
  }
}
