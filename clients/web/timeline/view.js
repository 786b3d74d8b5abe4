/**
 * Holds which stretch of time the timeline shows, and where its cursor stands.
 */

import { KEPT_SECONDS } from "../state/event-buffer.js";

/** The spans that the zoom steps through, in seconds. */
const SPANS_SECONDS = Object.freeze([10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400]);
const SHORTEST_FILE_SECONDS = 1;

export class View {
  spanSeconds = 60;
  /** Whether the right edge follows the present. */
  isLive = true;
  /** The right edge while it does not. */
  #frozenEnd = 0;
  /** @type {number|null} id of the event under the cursor */
  cursorId = null;
  /** The spans that the zoom steps through.
   * @type {readonly number[]} */
  spans = [];

  /** @param {number|null} [durationSeconds] of a file, which is shown whole at first */
  constructor(durationSeconds = null) {
    this.reach(durationSeconds ?? KEPT_SECONDS);
    if (durationSeconds === null) return;
    const whole = this.longestSpan;
    this.spanSeconds = whole;
    this.isLive = false;
    this.#frozenEnd = whole;
  }

  /** @param {number} seconds how far the timeline goes back, or how long a file is */
  reach(seconds) {
    const whole = Math.max(SHORTEST_FILE_SECONDS, seconds);
    if (this.longestSpan === whole) return;
    this.spans = [...SPANS_SECONDS.filter((span) => span < whole), whole];
    this.spanSeconds = Math.min(this.spanSeconds, whole);
  }

  get shortestSpan() {
    return this.spans[0];
  }

  get longestSpan() {
    return this.spans[this.spans.length - 1];
  }

  /** @param {number} livePosition @returns {number} the position at the right edge */
  end(livePosition) {
    return this.isLive ? livePosition : this.#frozenEnd;
  }

  /** @param {number} livePosition where the right edge stays */
  pause(livePosition) {
    if (!this.isLive) return;
    this.#frozenEnd = livePosition;
    this.isLive = false;
  }

  follow() {
    this.isLive = true;
  }

  /**
   * Moves a paused view, within what is held.
   * @param {number} seconds @param {import("../state/event-buffer.js").EventBuffer} events
   */
  pan(seconds, events) {
    const latest = events.endPosition;
    const earliest = Math.min(latest, events.oldestPosition + this.spanSeconds);
    this.#frozenEnd = Math.min(latest, Math.max(earliest, this.#frozenEnd + seconds));
  }

  /**
   * @param {number} spanSeconds
   * @param {number} anchor the position that keeps its place while paused
   */
  zoomTo(spanSeconds, anchor) {
    const bounded = Math.min(this.longestSpan, Math.max(this.shortestSpan, spanSeconds));
    if (!this.isLive) {
      this.#frozenEnd = anchor + ((this.#frozenEnd - anchor) * bounded) / this.spanSeconds;
    }
    this.spanSeconds = bounded;
  }

  /** @param {1|-1} direction 1 shows more time @returns {number} the next step's span */
  nextSpan(direction) {
    const steps = direction > 0 ? this.spans : [...this.spans].reverse();
    const beyond = steps.find((span) => direction * (span - this.spanSeconds) > 0.01);
    return beyond ?? steps[steps.length - 1];
  }

  /** @param {number} id @param {import("../state/event-buffer.js").EventBuffer} events */
  reveal(id, events) {
    const position = events.positionOf(id);
    if (position > this.#frozenEnd) this.#frozenEnd = position;
    const begin = events.beginOf(id);
    if (begin < this.#frozenEnd - this.spanSeconds) this.#frozenEnd = begin + this.spanSeconds;
  }

  /**
   * Turns to the page on which a playing file is.
   * @param {number} position @param {import("../state/event-buffer.js").EventBuffer} events
   */
  pageTo(position, events) {
    if (position > this.#frozenEnd || position < this.#frozenEnd - this.spanSeconds) {
      this.#frozenEnd = position + this.spanSeconds;
      this.pan(0, events);
    }
  }
}
