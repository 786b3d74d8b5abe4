/**
 * Sums up equal spans of time, for a timeline so far away that an event is narrower than a pixel.
 */

import { LABELS } from "../state/events.js";

/** @typedef {import("./lanes.js").Lanes} Lanes */
/** @typedef {import("../state/event-buffer.js").EventBuffer} EventBuffer */

/**
 * @typedef {object} Span
 * @property {number} begin position in seconds
 * @property {number} end
 * @property {number[]} labels share of the span in which each label was published
 * @property {number} uncertain share
 * @property {number} speech mean share of speech
 * @property {number} levelDbfs of the loudest event
 * @property {boolean} isTroubled
 */

const SPANS_SECONDS = [1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800, 3600, 7200];
/** In CSS pixels: a span of the shares, and one of the ribbon, which has room for a shape. */
const SHARES_PIXELS = 5;
const RIBBON_PIXELS = 18;
/** Of the time with speech: a label with less does not stand for a span. */
const MOST = 0.4;
/** Of a span: with less speech it counts as silence. */
const LEAST_SPEECH = 0.04;

/** @param {number} pixelsPerSecond @param {number} fewestPixels @returns {number} a round number of seconds */
const spanFor = (pixelsPerSecond, fewestPixels) =>
  SPANS_SECONDS.find((seconds) => seconds * pixelsPerSecond >= fewestPixels) ?? SPANS_SECONDS[SPANS_SECONDS.length - 1];

/**
 * @param {EventBuffer} events @param {number} pixelsPerSecond @param {Lanes} lanes
 * @returns {{shares: number, ribbon: number}|null} seconds of a span; null near enough for single events
 */
export function spansOf(events, pixelsPerSecond, { scale }) {
  if (events.strideSeconds * pixelsPerSecond >= scale) return null;
  return { shares: spanFor(pixelsPerSecond, SHARES_PIXELS * scale), ribbon: spanFor(pixelsPerSecond, RIBBON_PIXELS * scale) };
}

/**
 * @param {EventBuffer} events @param {number} begin a multiple of the seconds @param {number} seconds
 * @returns {Span|null} null where there is no event
 */
export function span(events, begin, seconds) {
  const end = Math.min(begin + seconds, events.endPosition);
  const found = events.measure(begin, end);
  if (found === null) return null;
  const [whole, { labels, uncertain, speech, levelDbfs, isTroubled }] = [end - begin, found];
  return {
    begin, end, levelDbfs, isTroubled,
    labels: labels.map((lasting) => lasting / whole), uncertain: uncertain / whole, speech: speech / whole,
  };
}

/** @param {Span} found @returns {string} the label that stands for it, "mixed", or "" for none */
export function kindOf({ labels, uncertain }) {
  const labelled = labels.reduce((sum, share) => sum + share, 0);
  if (labelled + uncertain < LEAST_SPEECH) return "";
  const best = labels.indexOf(Math.max(...labels));
  return labels[best] >= MOST * (labelled + uncertain) ? LABELS[best] : "mixed";
}

/**
 * @param {EventBuffer} events @param {number} id @param {number} seconds
 * @returns {Span|null} the span in which this event begins
 */
export const spanAround = (events, id, seconds) =>
  span(events, Math.floor((events.beginOf(id) + 1e-6) / seconds) * seconds, seconds);
