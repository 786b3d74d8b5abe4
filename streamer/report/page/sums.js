/** Sums up a stretch of a track: how long each label held, and which followed which. */

import { LABELS, STATES } from "../../../clients/web/state/events.js";

const COUNT = LABELS.length;
const UNCERTAIN = STATES.indexOf("uncertain");

export class Sums {
  /** Seconds of each label. */
  labels = new Float64Array(COUNT);
  uncertainSeconds = 0;
  /** Without speech, or too short to judge. */
  silentSeconds = 0;
  /** How often the second followed the first, at `COUNT * first + second`. */
  transitions = new Uint32Array(COUNT * COUNT);

  get labelledSeconds() {
    return this.labels.reduce((sum, seconds) => sum + seconds, 0);
  }

  get seconds() {
    return this.labelledSeconds + this.uncertainSeconds + this.silentSeconds;
  }

  /** @returns {number} the label that held longest, -1 without any */
  get longest() {
    const most = Math.max(...this.labels);
    return most > 0 ? this.labels.indexOf(most) : -1;
  }

  /** @param {Sums} other */
  add(other) {
    other.labels.forEach((seconds, label) => {
      this.labels[label] += seconds;
    });
    other.transitions.forEach((count, index) => {
      this.transitions[index] += count;
    });
    this.uncertainSeconds += other.uncertainSeconds;
    this.silentSeconds += other.silentSeconds;
  }
}

/**
 * A label follows the one before it, whether a pause or uncertainty lies between them or not: then
 * the same can follow. Where sound or its analysis is missing, nothing follows.
 *
 * @param {import("./track.js").Track} track @param {number} begin @param {number} end positions in seconds
 * @returns {Sums}
 */
export function sumsOf({ packed }, begin, end) {
  const sums = new Sums();
  const { published, state } = packed;
  let last = -1;
  let isInterrupted = false;
  for (let id = packed.atOrAfter(begin + 1e-6); id < packed.next; id += 1) {
    const from = Math.max(begin, packed.beginOf(id));
    if (from >= end) break;
    const seconds = Math.min(end, packed.position[id]) - from;
    if (!packed.follows(id)) last = -1;
    const label = published[id];
    if (label < 0) {
      isInterrupted = true;
      if (state[id] === UNCERTAIN) sums.uncertainSeconds += seconds;
      else sums.silentSeconds += seconds;
      continue;
    }
    sums.labels[label] += seconds;
    if (last >= 0 && (label !== last || isInterrupted)) sums.transitions[COUNT * last + label] += 1;
    last = label;
    isInterrupted = false;
  }
  return sums;
}

/** @type {WeakMap<import("./track.js").Track, Sums>} */
const known = new WeakMap();

/** @param {import("./track.js").Track} track @returns {Sums} of the whole of it */
export function sumsOfWhole(track) {
  const sums = known.get(track) ?? sumsOf(track, 0, Infinity);
  known.set(track, sums);
  return sums;
}

/** @param {readonly import("./track.js").Track[]} tracks @returns {Sums} */
export function sumsOfAll(tracks) {
  const sums = new Sums();
  for (const track of tracks) sums.add(sumsOfWhole(track));
  return sums;
}
