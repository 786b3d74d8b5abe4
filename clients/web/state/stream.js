/**
 * Holds what the page knows about a stream: its events, its source's status, and how long the
 * present label has been held.
 */

import { shownName } from "../ui/words.js";
import { EventBuffer } from "./event-buffer.js";
import { LiveClock } from "./live-clock.js";

/**
 * @typedef {object} Held
 * @property {number} seconds how long the present label or state has lasted
 * @property {boolean} atLeast whether it may have begun before this page was listening
 */

export class Stream {
  /**
   * @param {string} name @param {number} strideSeconds @param {number} nowMs
   * @param {number|null} [durationSeconds] of a file
   */
  constructor(name, strideSeconds, nowMs, durationSeconds = null) {
    this.name = name;
    /** What the viewer reads instead of the name. */
    this.title = shownName(name);
    this.events = new EventBuffer(strideSeconds, durationSeconds);
    this.clock = new LiveClock();
    /** @type {import("./events.js").EmotionEvent|null} */
    this.last = null;
    /** @type {import("./events.js").SourceStatus} */
    this.status = "running";
    this.statusDetail = "";
    /** @type {string|null} */
    this.device = null;
    /** @type {number|null} */
    this.deviceLatencyMs = null;
    this.isDemo = false;
    /** Events that the daemon numbered but this page never got. */
    this.missedEvents = 0;
    /** Page time of the last event's arrival, in ms. */
    this.lastEventAtMs = nowMs;
    /** Whether the daemon of this connection has it. */
    this.isPresent = true;
    this.lastSeq = 0;
    /** Emotions of this connection. */
    this.counted = 0;
    this.kindSince = 0;
    this.kindSinceIsKnown = false;
  }

  /** @param {import("./events.js").EmotionEvent} event @param {number} nowMs */
  add(event, nowMs) {
    const { last, events } = this;
    if (last !== null && event.seq === last.seq && event.end === last.end) return;
    const position = this.#positionFor(event);
    const before = events.isEmpty ? "" : events.kindOf(events.next - 1);
    events.add(event, position, this.status);
    const id = events.next - 1;
    if (events.kindOf(id) !== before || !events.follows(id)) {
      this.kindSince = events.beginOf(id);
      this.kindSinceIsKnown = events.follows(id);
    }
    this.last = event;
    this.lastEventAtMs = nowMs;
    this.clock.update(position, nowMs);
    // A status is sent when it changes. New sound ends these, even if the status was lost.
    if (["stalled", "reconnecting", "ended"].includes(this.status)) this.status = "running";
  }

  /**
   * Positions are the stream's own seconds until a daemon restarts and counts from zero again;
   * then they go on after the pause that the clock on the wall shows, and the old status is void.
   * @param {import("./events.js").EmotionEvent} event
   */
  #positionFor(event) {
    const { last, events } = this;
    if (last === null) return event.end;
    const stride = events.strideSeconds;
    if (event.end > last.end) return events.newestPosition + event.end - last.end;
    this.status = "running";
    this.statusDetail = "";
    return events.newestPosition + Math.max(2 * stride, event.time - last.time);
  }

  /** @param {import("./events.js").StreamEvent} event counts what is missing before it */
  count({ seq, type }) {
    this.isPresent = true;
    if (this.counted > 0 && seq <= this.lastSeq) return; // a greeting repeats the last ones
    // Events between the repeated emotion and the first new one went to clients of that time only.
    if (this.counted > 1 && seq > this.lastSeq + 1) this.missedEvents += seq - this.lastSeq - 1;
    this.lastSeq = seq;
    if (type === "emotion") this.counted += 1;
  }

  /** @param {boolean} isPresent whether the daemon that was found names this stream */
  reconnected(isPresent) {
    this.counted = 0;
    this.isPresent = isPresent;
  }

  /** @param {import("./events.js").StreamEvent} event @param {number} nowMs */
  apply(event, nowMs) {
    this.count(event);
    if (event.type === "emotion") this.add(event, nowMs);
    else if (event.type === "status") this.setStatus(event);
  }

  /** @param {import("./events.js").StatusEvent} event */
  setStatus(event) {
    this.status = event.status;
    this.statusDetail = event.detail;
    this.device = event.device ?? this.device;
    this.deviceLatencyMs = event.deviceLatencyMs ?? this.deviceLatencyMs;
    this.isDemo = event.demo ?? this.isDemo;
  }

  /** @returns {Held} */
  get held() {
    const seconds = Math.max(0, this.events.newestPosition - this.kindSince);
    return { seconds, atLeast: !this.kindSinceIsKnown };
  }
}
