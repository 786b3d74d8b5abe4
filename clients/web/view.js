/**
 * Which stretch of time the timeline shows, and where its cursor stands.
 */

/** The spans that the zoom steps through, in seconds. */
export const SPANS_SECONDS = Object.freeze([10, 15, 30, 60, 120, 300, 600]);

export class View {
  spanSeconds = 60;
  /** Whether the right edge follows the present. */
  isLive = true;
  /** The right edge while it does not. */
  #frozenEnd = 0;
  /** @type {number|null} id of the event under the cursor */
  cursorId = null;

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
   * @param {number} seconds @param {import("./history.js").History} history
   */
  pan(seconds, history) {
    const earliest = Math.min(history.newestPosition, history.oldestPosition + this.spanSeconds);
    const latest = history.newestPosition;
    this.#frozenEnd = Math.min(latest, Math.max(earliest, this.#frozenEnd + seconds));
  }

  /**
   * @param {number} spanSeconds
   * @param {number} anchor the position that keeps its place while paused
   */
  zoomTo(spanSeconds, anchor) {
    const bounded = Math.min(SPANS_SECONDS[SPANS_SECONDS.length - 1], Math.max(SPANS_SECONDS[0], spanSeconds));
    if (!this.isLive) {
      this.#frozenEnd = anchor + ((this.#frozenEnd - anchor) * bounded) / this.spanSeconds;
    }
    this.spanSeconds = bounded;
  }

  /** @param {1|-1} direction 1 shows more time @returns {number} the next step's span */
  nextSpan(direction) {
    const steps = direction > 0 ? SPANS_SECONDS : [...SPANS_SECONDS].reverse();
    const beyond = steps.find((span) => direction * (span - this.spanSeconds) > 0.01);
    return beyond ?? steps[steps.length - 1];
  }

  /** @param {number} id @param {import("./history.js").History} history */
  reveal(id, history) {
    const position = history.positionOf(id);
    if (position > this.#frozenEnd) this.#frozenEnd = position;
    const begin = history.beginOf(id);
    if (begin < this.#frozenEnd - this.spanSeconds) this.#frozenEnd = begin + this.spanSeconds;
  }
}
