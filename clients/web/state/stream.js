/**
 * Holds what the page knows about a stream: its events, its source's status, and how long the
 * present label has been held.
 */

import { shownName } from "../ui/words.js";
import { EventBuffer, KEPT_SECONDS } from "./event-buffer.js";
import { SOURCE_STATUSES } from "./events.js";
import { LiveClock } from "./live-clock.js";

/** A longer pause of a stream's sound is shown, whether the daemon counted it or not. */
const UNCOUNTED_SECONDS = 5;

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
    /** How far back its timeline goes, in seconds. */
    this.keptSeconds = KEPT_SECONDS;
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
    this.isReplay = false;
    /** @type {import("./events.js").Room|null} the other daemon that it comes from */
    this.room = null;
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
    const { last } = this;
    if (last !== null && event.seq === last.seq && event.end === last.end) return;
    if (last !== null && event.end <= last.end) {
      this.status = "running"; // of another daemon
      this.statusDetail = "";
    }
    this.#place(event, this.status);
    this.lastEventAtMs = nowMs;
    this.clock.update(this.events.newestPosition, nowMs);
    // A status is sent when it changes. New sound ends these, even if the status was lost.
    if (["stalled", "reconnecting", "ended"].includes(this.status)) this.status = "running";
  }

  /** @param {import("./events.js").EmotionEvent} event @param {import("./events.js").SourceStatus} status */
  #place(event, status) {
    const { events } = this;
    const before = events.isEmpty ? "" : events.kindOf(events.next - 1);
    events.add(event, this.#positionFor(event), status);
    const id = events.next - 1;
    if (events.kindOf(id) !== before || !events.follows(id)) {
      this.kindSince = events.beginOf(id);
      this.kindSinceIsKnown = events.follows(id);
    }
    this.last = event;
  }

  /**
   * Puts what the daemon kept in the place of what the page had of that time. Events of a daemon
   * before stay in front of it, newer ones behind it.
   * @param {import("./events.js").EmotionEvent[]} past the oldest first
   * @param {number} keptSeconds for how long the daemon keeps them
   */
  replacePast(past, keptSeconds) {
    this.keptSeconds = Math.max(KEPT_SECONDS, keptSeconds);
    const { events } = this;
    const firstTime = past[0]?.time ?? Infinity;
    const lastEnd = past[past.length - 1]?.end ?? Infinity;
    let older = events.first;
    while (older < events.next && events.time[events.slot(older)] < firstTime) older += 1;
    let newer = events.next;
    while (newer > older && events.end[events.slot(newer - 1)] > lastEnd) newer -= 1;
    this.#rebuild(events, [[events.first, older], past, [newer, events.next]]);
  }

  /** Keeps the present alone. */
  erase() {
    const { events } = this;
    this.#rebuild(events, [[Math.max(events.first, events.next - 1), events.next]]);
  }

  /**
   * @param {EventBuffer} from
   * @param {([number, number]|import("./events.js").EmotionEvent[])[]} parts new events, or those with
   *   these ids
   */
  #rebuild(from, parts) {
    this.events = new EventBuffer(from.strideSeconds, null, this.keptSeconds);
    this.last = null;
    for (const part of parts) {
      if (typeof part[0] !== "number") {
        for (const event of /** @type {import("./events.js").EmotionEvent[]} */ (part)) this.#place(event, "running");
        continue;
      }
      const [begin, end] = /** @type {[number, number]} */ (part);
      for (let id = begin; id < end; id += 1) {
        this.#place(from.event(id, this.name), SOURCE_STATUSES[from.status[from.slot(id)]]);
      }
    }
  }

  /**
   * Positions are the stream's own seconds. They go on after the pause that the clock on the wall shows
   * where a daemon restarts and counts from zero again, and where its sound had stopped without a
   * count, as in a suspended computer: the axis has times of day.
   * @param {import("./events.js").EmotionEvent} event
   */
  #positionFor(event) {
    const { last, events } = this;
    if (last === null) return event.end;
    const [sound, pause] = [event.end - last.end, event.time - last.time];
    if (sound <= 0) return events.newestPosition + Math.max(2 * events.strideSeconds, pause);
    const hasStopped = events.durationSeconds === null && pause - sound > UNCOUNTED_SECONDS;
    return events.newestPosition + (hasStopped ? pause : sound);
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
    this.isReplay = event.replay;
  }

  /** @returns {Held} */
  get held() {
    const seconds = Math.max(0, this.events.newestPosition - this.kindSince);
    return { seconds, atLeast: !this.kindSinceIsKnown };
  }
}
