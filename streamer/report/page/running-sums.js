/** Sums that run along all events, so that any stretch is measured in the same time, however long. */

import { LABELS } from "../../../clients/web/state/events.js";
import { isTroubledAt, placeOf } from "../../../clients/web/state/measure.js";

const COUNT = LABELS.length;
/** The labels, uncertainty, speech. */
const PLACES = COUNT + 2;
const [UNCERTAIN, SPEECH] = [COUNT, COUNT + 1];
/** The loudest of so many events is known. */
const BLOCK = 64;

/** @typedef {import("../../../clients/web/state/event-buffer.js").EventBuffer} EventBuffer */

export class RunningSums {
  #events;
  /** Seconds before each event, and after the last one. */
  #seconds;
  #troubles;
  #loudest;

  /** @param {EventBuffer} events which nothing is added to, and nothing overwrites */
  constructor(events) {
    const { next } = events;
    this.#events = events;
    this.#seconds = new Float64Array((next + 1) * PLACES);
    this.#troubles = new Uint32Array(next + 1);
    this.#loudest = new Float32Array(Math.ceil(next / BLOCK)).fill(-Infinity);
    for (let id = 0; id < next; id += 1) {
      const [here, after] = [id * PLACES, (id + 1) * PLACES];
      this.#seconds.copyWithin(after, here, after);
      const lasting = events.positionOf(id) - events.beginOf(id);
      const place = placeOf(events, id);
      if (place >= 0) this.#seconds[after + place] += lasting;
      this.#seconds[after + SPEECH] += lasting * events.speechRatio[id];
      this.#troubles[id + 1] = this.#troubles[id] + Number(isTroubledAt(events, id));
      const block = Math.floor(id / BLOCK);
      this.#loudest[block] = Math.max(this.#loudest[block], events.levelDbfs[id]);
    }
  }

  /**
   * As ``measure`` of the page does, event by event.
   * @param {number} begin @param {number} end positions in seconds
   * @returns {import("../../../clients/web/state/measure.js").Measure|null}
   */
  between(begin, end) {
    const events = this.#events;
    const first = events.atOrAfter(begin + 1e-6);
    if (first >= events.next || Math.max(begin, events.beginOf(first)) >= end) return null;
    const covering = events.atOrAfter(end);
    const last = covering < events.next && events.beginOf(covering) < end ? covering : covering - 1;
    const sums = Array.from({ length: PLACES }, (_, place) =>
      this.#seconds[(last + 1) * PLACES + place] - this.#seconds[first * PLACES + place]);
    // What lies before the begin, or after the end.
    this.#takeOff(sums, first, Math.max(0, begin - events.beginOf(first)));
    this.#takeOff(sums, last, Math.max(0, events.positionOf(last) - end));
    return {
      labels: sums.slice(0, COUNT), uncertain: sums[UNCERTAIN], speech: sums[SPEECH],
      levelDbfs: this.#loudestOf(first, last), isTroubled: this.#troubles[last + 1] > this.#troubles[first],
    };
  }

  /** @param {number[]} sums @param {number} id @param {number} seconds */
  #takeOff(sums, id, seconds) {
    const place = placeOf(this.#events, id);
    if (place >= 0) sums[place] -= seconds;
    sums[SPEECH] -= seconds * this.#events.speechRatio[id];
  }

  /** @param {number} first @param {number} last */
  #loudestOf(first, last) {
    let loudest = -Infinity;
    for (let id = first; id <= last;) {
      if (id % BLOCK === 0 && id + BLOCK - 1 <= last) {
        loudest = Math.max(loudest, this.#loudest[id / BLOCK]);
        id += BLOCK;
      } else {
        loudest = Math.max(loudest, this.#events.levelDbfs[id]);
        id += 1;
      }
    }
    return loudest;
  }
}
