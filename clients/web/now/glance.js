/**
 * Holds what one glance shows, long enough to be read: sentence, ring, scores and point are always of
 * the same event.
 */

/** Digits that change four times a second cannot be read and do not look calm. */
const READING_MS = 500;

/**
 * @typedef {object} Sight
 * @property {unknown} of the stream
 * @property {import("./situation.js").Situation} situation
 * @property {import("../state/events.js").EmotionEvent|null} current the scores that hold
 * @property {"moment"|"average"|"shares"} meaning what the scores are: those of a moment, the mean of
 *   a whole file, or the shares of its time
 * @property {string} title of the scores
 */

export class Glance {
  /** @type {Sight|null} */
  #held = null;
  #heldSinceMs = -Infinity;

  /**
   * @param {Sight} fresh @param {number} nowMs
   * @returns {Sight} the fresh one where it says something else, or the last one has been read
   */
  take(fresh, nowMs) {
    const held = this.#held;
    const isSame = held !== null && held.of === fresh.of && held.meaning === fresh.meaning
      && held.situation.kind === fresh.situation.kind && held.situation.word === fresh.situation.word;
    if (isSame && nowMs - this.#heldSinceMs < READING_MS) {
      held.situation.loudness = fresh.situation.loudness; // for the eye alone
      return held;
    }
    this.#held = fresh;
    this.#heldSinceMs = nowMs;
    return fresh;
  }
}
