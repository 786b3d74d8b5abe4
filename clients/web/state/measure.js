/** Sums up a stretch of a stream's time: how long each label was published, and how loud it was. */

import { LABELS, SOURCE_STATUSES, STATES } from "./events.js";

const COUNT = LABELS.length;
const UNCERTAIN = STATES.indexOf("uncertain");
const RUNNING = SOURCE_STATUSES.indexOf("running");

/** @typedef {import("./event-buffer.js").EventBuffer} EventBuffer */

/**
 * @typedef {object} Measure
 * @property {number[]} labels seconds in which each label was published
 * @property {number} uncertain seconds
 * @property {number} speech seconds, by each event's share of speech
 * @property {number} levelDbfs of the loudest event
 * @property {boolean} isTroubled
 */

/** @param {EventBuffer} events @param {number} id @returns {boolean} whether sound was missing there */
export function isTroubledAt(events, id) {
  const slot = events.slot(id);
  return events.status[slot] !== RUNNING
    || (events.follows(id) && events.dropped[slot] > events.dropped[events.slot(id - 1)]);
}

/** @param {EventBuffer} events @param {number} id @returns {number} its label, COUNT for uncertain, -1 else */
export function placeOf(events, id) {
  const slot = events.slot(id);
  if (events.label[slot] >= 0) return events.label[slot];
  return events.state[slot] === UNCERTAIN ? COUNT : -1;
}

/**
 * @param {EventBuffer} events @param {number} begin @param {number} end positions in seconds
 * @returns {Measure|null} null where there is no event
 */
export function measure(events, begin, end) {
  const seconds = Array.from({ length: COUNT + 1 }, () => 0);
  let [speech, levelDbfs, isTroubled, found] = [0, -Infinity, false, false];
  for (let id = events.atOrAfter(begin + 1e-6); id < events.next; id += 1) {
    const from = Math.max(begin, events.beginOf(id));
    if (from >= end) break;
    found = true;
    const slot = events.slot(id);
    const lasting = Math.min(end, events.positionOf(id)) - from;
    const place = placeOf(events, id);
    if (place >= 0) seconds[place] += lasting;
    speech += lasting * events.speechRatio[slot];
    levelDbfs = Math.max(levelDbfs, events.levelDbfs[slot]);
    isTroubled ||= isTroubledAt(events, id);
  }
  const uncertain = /** @type {number} */ (seconds.pop());
  return found ? { labels: seconds, uncertain, speech, levelDbfs, isTroubled } : null;
}
