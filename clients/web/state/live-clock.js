/**
 * Turns events that arrive in steps into a position that moves smoothly with the screen.
 */

/** A larger difference than this is a jump (a replay, a pause), not jitter: follow it at once. */
const JUMP_SECONDS = 1;
const SMOOTHING = 0.1;
/** How far the clock may run ahead of the last event before it waits for the next. */
const LEAD_SECONDS = 1;

export class LiveClock {
  #offsetSeconds = 0;
  #newest = 0;
  #isSet = false;

  /** @param {number} position of the newest event @param {number} nowMs of its arrival */
  update(position, nowMs) {
    const offset = position - nowMs / 1000;
    const difference = offset - this.#offsetSeconds;
    const jumped = !this.#isSet || Math.abs(difference) > JUMP_SECONDS;
    this.#offsetSeconds += jumped ? difference : SMOOTHING * difference;
    this.#newest = position;
    this.#isSet = true;
  }

  /** @param {number} nowMs @returns {number} the position of this moment */
  at(nowMs) {
    const running = this.#offsetSeconds + nowMs / 1000;
    return Math.min(this.#newest + LEAD_SECONDS, Math.max(this.#newest, running));
  }
}
