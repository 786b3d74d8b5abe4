/**
 * Paints the timeline from afar, where an event is narrower than a pixel: the share of each label in
 * equal spans of time instead of one event for all.
 */

import { LABELS, SOURCE_STATUSES, STATES } from "../state/events.js";
import { GLYPHS } from "../ui/glyphs.js";
import { QUIETEST_DBFS, paintEvents, paintNames } from "./painters.js";

/** @typedef {import("./lanes.js").Lanes} Lanes */
/** @typedef {import("../state/event-buffer.js").EventBuffer} EventBuffer */

/**
 * @typedef {object} Span
 * @property {number} begin position in seconds
 * @property {number} end
 * @property {number[]} labels share of the span in which each label was published
 * @property {number} uncertain share
 * @property {number} speech mean share of speech
 * @property {number} loudness of the loudest event, 0 to 1
 * @property {boolean} isTroubled
 */

const COUNT = LABELS.length;
const UNCERTAIN = STATES.indexOf("uncertain");
const RUNNING = SOURCE_STATUSES.indexOf("running");
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
function span(events, begin, seconds) {
  const end = Math.min(begin + seconds, events.endPosition);
  const labels = Array.from({ length: COUNT }, () => 0);
  let [uncertain, speech, loudness, isTroubled, found] = [0, 0, 0, false, false];
  for (let id = events.atOrAfter(begin + 1e-6); id < events.next; id += 1) {
    const from = Math.max(begin, events.beginOf(id));
    if (from >= end) break;
    found = true;
    const slot = events.slot(id);
    const share = (Math.min(end, events.positionOf(id)) - from) / (end - begin);
    if (events.label[slot] >= 0) labels[events.label[slot]] += share;
    else if (events.state[slot] === UNCERTAIN) uncertain += share;
    speech += share * events.speechRatio[slot];
    loudness = Math.max(loudness, Math.min(1, 1 - events.levelDbfs[slot] / QUIETEST_DBFS));
    isTroubled ||= events.status[slot] !== RUNNING
      || (events.follows(id) && events.dropped[slot] > events.dropped[events.slot(id - 1)]);
  }
  return found ? { begin, end, labels, uncertain, speech, loudness, isTroubled } : null;
}

/** @param {Span} found @returns {string} the label that stands for it, "mixed", or "" for none */
function kindOf({ labels, uncertain }) {
  const labelled = labels.reduce((sum, share) => sum + share, 0);
  if (labelled + uncertain < LEAST_SPEECH) return "";
  const best = labels.indexOf(Math.max(...labels));
  return labels[best] >= MOST * (labelled + uncertain) ? LABELS[best] : "mixed";
}

/**
 * Paints events singly, or in spans where they are too many; the spans that they belong to anew.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {EventBuffer} events
 * @param {number} fromId @param {number} toId not included
 * @param {number} pixelsPerSecond @param {number} originPixels the time axis's pixel at x = 0
 * @param {number} width beyond which no span is painted
 */
export function paintStretch(renderer, theme, lanes, events, fromId, toId, pixelsPerSecond, originPixels, width) {
  const spans = spansOf(events, pixelsPerSecond, lanes);
  if (spans === null) {
    paintEvents(renderer, theme, lanes, events, fromId, toId, pixelsPerSecond, originPixels);
    return;
  }
  if (fromId >= toId) return;
  const [begin, end] = [Math.max(0, events.beginOf(Math.max(fromId, events.first))), events.positionOf(toId - 1)];
  const xOf = (/** @type {number} */ position) =>
    Math.min(width, Math.max(0, Math.round(position * pixelsPerSecond) - originPixels));
  for (let at = Math.floor(begin / spans.shares) * spans.shares; at < end; at += spans.shares) {
    const found = span(events, at, spans.shares);
    if (found !== null) paintShares(renderer, theme, lanes, found, xOf(at), xOf(found.end));
  }
  const { ribbon } = lanes;
  for (let at = Math.floor(begin / spans.ribbon) * spans.ribbon; at < end; at += spans.ribbon) {
    const found = span(events, at, spans.ribbon);
    if (found === null) continue;
    const x = xOf(at);
    const wide = xOf(found.end) - x;
    const kind = kindOf(found);
    renderer.rectangle(x, ribbon.y, wide, ribbon.height, theme.lane);
    if (kind === "mixed") renderer.rectangle(x, ribbon.y, wide, ribbon.height, theme.muted, 0.22);
    else if (kind !== "") renderer.rectangle(x, ribbon.y, wide, ribbon.height, theme.labels[kind]);
  }
}

/**
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {Span} found @param {number} x0 @param {number} x1
 */
function paintShares(renderer, theme, lanes, found, x0, x1) {
  const { scores, level, speech, scale } = lanes;
  const width = x1 - x0;
  for (const lane of [scores, level, speech]) renderer.rectangle(x0, lane.y, width, lane.height, theme.lane);
  let y = scores.y + scores.height;
  const stack = (/** @type {number} */ share, /** @type {string} */ fill, /** @type {number} */ alpha) => {
    const height = share * scores.height;
    y -= height;
    if (height > 0) renderer.rectangle(x0, y, width, height, fill, alpha);
  };
  // From below: how much was said is how high it stands.
  for (let index = COUNT - 1; index >= 0; index -= 1) stack(found.labels[index], theme.labels[LABELS[index]], 0.9);
  stack(found.uncertain, theme.muted, 0.3);
  const bar = Math.max(scale, Math.round(Math.max(0, found.loudness) * level.height));
  renderer.rectangle(x0, level.y + (level.height - bar) / 2, width, bar, theme.level);
  const share = Math.round(found.speech * speech.height);
  if (share > 0) renderer.rectangle(x0, speech.y + speech.height - share, width, share, theme.level);
  if (found.isTroubled) {
    const below = speech.y + speech.height + Math.round(scale);
    renderer.rectangle(x0, below, Math.max(width, 2 * scale), Math.round(2 * scale), theme.warn);
  }
}

/**
 * Names the stretches of one label, of single events or of spans.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {EventBuffer} events
 * @param {number} pixelsPerSecond @param {number} originPixels @param {number} width
 */
export function paintStretchNames(renderer, theme, lanes, events, pixelsPerSecond, originPixels, width) {
  const spans = spansOf(events, pixelsPerSecond, lanes);
  if (spans === null || events.isEmpty) {
    paintNames(renderer, theme, lanes, events, pixelsPerSecond, originPixels, width);
    return;
  }
  const first = Math.max(events.oldestPosition, originPixels / pixelsPerSecond);
  const last = Math.min(events.newestPosition, (originPixels + width) / pixelsPerSecond);
  const { ribbon, scale } = lanes;
  let [kind, begin, end] = ["", 0, 0];
  const name = () => {
    const [x0, x1] = [begin, end].map((at) => at * pixelsPerSecond - originPixels);
    paintName(renderer, theme, ribbon, scale, kind, Math.max(0, x0), Math.min(width, x1));
  };
  for (let at = Math.floor(first / spans.ribbon) * spans.ribbon; at < last; at += spans.ribbon) {
    const found = span(events, at, spans.ribbon);
    const next = found === null ? "" : kindOf(found);
    if (next !== kind) {
      name();
      [kind, begin] = [next, at];
    }
    end = found?.end ?? at;
  }
  name();
}

/**
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes["ribbon"]} ribbon @param {number} scale @param {string} kind
 * @param {number} x0 @param {number} x1
 */
function paintName(renderer, theme, ribbon, scale, kind, x0, x1) {
  if (kind === "") return;
  const size = 12.5 * scale;
  const glyph = 11 * scale;
  const room = x1 - x0;
  const isLabel = kind in GLYPHS;
  if (isLabel && room > 15 * scale) {
    const path = GLYPHS[/** @type {keyof typeof GLYPHS} */ (kind)];
    renderer.glyph(x0 + 3 * scale, ribbon.y + (ribbon.height - glyph) / 2, glyph, path, theme.onLabel);
  }
  const indent = (isLabel ? 19 : 6) * scale;
  if (room > renderer.measure(kind, size) + indent + 6 * scale) {
    renderer.text(x0 + indent, ribbon.y + ribbon.height / 2 + 0.36 * size, kind, isLabel ? theme.onLabel : theme.muted, size);
  }
}
