/**
 * Paints the timeline from afar, where an event is narrower than a pixel: the share of each label in
 * equal spans of time instead of one event for all.
 */

import { LABELS } from "../state/events.js";
import { GLYPHS } from "../ui/glyphs.js";
import { shareOfLevel } from "../ui/level.js";
import { paintEvents, paintNames } from "./painters.js";
import { kindOf, span, spansOf } from "./spans.js";

/** @typedef {import("./lanes.js").Lanes} Lanes */
/** @typedef {import("./spans.js").Span} Span */
/** @typedef {import("../state/event-buffer.js").EventBuffer} EventBuffer */

const COUNT = LABELS.length;

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
  const bar = Math.max(scale, Math.round(shareOfLevel(found.levelDbfs) * level.height));
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
