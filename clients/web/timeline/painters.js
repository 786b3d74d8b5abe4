/** Paints the marks of the timeline into its lanes: events of one look together. */

import { LABELS, SOURCE_STATUSES, STATES } from "../state/events.js";
import { GLYPHS } from "../ui/glyphs.js";
import { shareOfLevel } from "../ui/level.js";
import { STATE_WORDS, duration, playTime, timeOfDay } from "../ui/words.js";

/** @typedef {import("./lanes.js").Lanes} Lanes */

const COUNT = LABELS.length;
const UNCERTAIN = STATES.indexOf("uncertain");
const WARMUP = STATES.indexOf("warmup");
const RUNNING = SOURCE_STATUSES.indexOf("running");
/** Layers that are nowhere thicker than this many pixels are left to the one below. */
const THINNEST_LAYER = 0.4;

/**
 * @param {import("../ui/renderers.js").Renderer} renderer
 * @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes
 * @param {number} x @param {number} width
 */
export function paintEmpty(renderer, theme, lanes, x, width) {
  renderer.rectangle(x, 0, width, lanes.height, theme.panel);
  for (const lane of [lanes.ribbon, lanes.scores, lanes.level, lanes.speech]) {
    renderer.rectangle(x, lane.y, width, lane.height, theme.lane);
  }
}

/**
 * Paints the events that end in [fromPosition, toPosition], each over the pixels it stands for.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer
 * @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes
 * @param {import("../state/event-buffer.js").EventBuffer} events
 * @param {number} fromId @param {number} toId not included
 * @param {number} pixelsPerSecond
 * @param {number} originPixels the time axis's pixel at x = 0
 */
export function paintEvents(renderer, theme, lanes, events, fromId, toId, pixelsPerSecond, originPixels) {
  const xOf = (/** @type {number} */ position) => Math.round(position * pixelsPerSecond) - originPixels;
  for (let id = Math.max(fromId, events.first); id < toId;) {
    let end = id + 1;
    while (end < toId && continues(events, end)) end += 1;
    paintRun(renderer, theme, lanes, events, id, end, xOf);
    for (; id < end; id += 1) {
      const [x0, x1] = [xOf(events.beginOf(id)), xOf(events.positionOf(id))];
      if (x1 > x0) paintBars(renderer, theme, lanes, events, id, x0, x1);
    }
  }
}

/**
 * Whether an event looks like the one before it, but for its numbers: then they are painted as one.
 * @param {import("../state/event-buffer.js").EventBuffer} events @param {number} id
 */
function continues(events, id) {
  const [slot, before] = [events.slot(id), events.slot(id - 1)];
  return events.label[slot] === events.label[before] && events.state[slot] === events.state[before]
    && events.hasScores[slot] === events.hasScores[before] && events.follows(id);
}

/**
 * Paints ribbon and scores of events that continue each other: few large marks instead of ten for each.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {import("../state/event-buffer.js").EventBuffer} events
 * @param {number} fromId @param {number} toId not included @param {(position: number) => number} xOf
 */
function paintRun(renderer, theme, { ribbon, scores }, events, fromId, toId, xOf) {
  const slot = events.slot(fromId);
  const label = events.label[slot];
  const [x0, x1] = [xOf(events.beginOf(fromId)), xOf(events.positionOf(toId - 1))];
  if (x1 <= x0) return;
  if (label >= 0) {
    renderer.rectangle(x0, ribbon.y, x1 - x0, ribbon.height, theme.labels[LABELS[label]]);
  } else if (events.state[slot] === UNCERTAIN) {
    renderer.rectangle(x0, ribbon.y, x1 - x0, ribbon.height, theme.muted, 0.35);
  } else if (events.state[slot] === WARMUP) {
    renderer.rectangle(x0, ribbon.y, x1 - x0, ribbon.height, theme.muted, 0.15);
  }
  if (events.hasScores[slot] === 0) return;
  // Where the event before has scores, the edges slope from it; else they stand.
  const sloped = events.follows(fromId) && events.hasScores[events.slot(fromId - 1)] === 1;
  const ids = Array.from({ length: toId - fromId }, (_, index) => fromId + index);
  const xs = [x0, ...ids.map((id) => xOf(events.positionOf(id)))];
  const slots = [sloped ? fromId - 1 : fromId, ...ids].map((id) => events.slot(id) * COUNT);
  let tops = slots.map(() => scores.y);
  for (let index = 0; index < COUNT; index += 1) {
    const bottoms = slots.map((at, point) => tops[point] + scores.height * events.scores[at + index]);
    if (bottoms.some((bottom, point) => bottom - tops[point] > THINNEST_LAYER)) {
      // The published label stands out, the others stay readable behind it.
      const alpha = index === label ? 0.92 : label >= 0 ? 0.45 : 0.34;
      renderer.band(xs, tops, bottoms, theme.labels[LABELS[index]], alpha);
    }
    tops = bottoms;
  }
}

/**
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {import("../state/event-buffer.js").EventBuffer} events
 * @param {number} id @param {number} x0 @param {number} x1
 */
function paintBars(renderer, theme, { level, speech, scale }, events, id, x0, x1) {
  const slot = events.slot(id);
  const width = x1 - x0;
  const bar = Math.max(scale, Math.round(shareOfLevel(events.levelDbfs[slot]) * level.height));
  // A gap between bars only where there is room for it; zoomed out they merge into an envelope.
  const gap = width >= 4 * scale ? Math.round(scale) : 0;
  renderer.rectangle(x0, level.y + (level.height - bar) / 2, width - gap, bar, theme.level);
  if (events.speechRatio[slot] > 0) {
    const share = Math.max(1, Math.round(events.speechRatio[slot] * speech.height));
    renderer.rectangle(x0, speech.y + speech.height - share, width, share, theme.level);
  }
  const troubled = events.status[slot] !== RUNNING;
  if (troubled || (events.follows(id) && events.dropped[slot] > events.dropped[events.slot(id - 1)])) {
    const below = speech.y + speech.height + Math.round(scale);
    renderer.rectangle(x0, below, Math.max(width, 2 * scale), Math.round(2 * scale), theme.warn);
  }
}

/**
 * Names the stretches of one label or state, where the name fits: never by colour alone.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {import("../state/event-buffer.js").EventBuffer} events
 * @param {number} pixelsPerSecond @param {number} originPixels @param {number} width
 */
export function paintNames(renderer, theme, lanes, events, pixelsPerSecond, originPixels, width) {
  const { scale, ribbon } = lanes;
  const last = events.atOrAfter((originPixels + width) / pixelsPerSecond);
  let id = events.atOrAfter(originPixels / pixelsPerSecond);
  while (id < events.next && id <= last) {
    const kind = events.kindOf(id);
    const begin = Math.max(0, events.beginOf(id) * pixelsPerSecond - originPixels);
    let end = id + 1;
    while (end < events.next && end <= last && events.follows(end) && events.kindOf(end) === kind) {
      end += 1;
    }
    const room = Math.min(width, events.positionOf(end - 1) * pixelsPerSecond - originPixels) - begin;
    const labelled = kind in GLYPHS;
    const name = labelled ? kind : STATE_WORDS[/** @type {keyof typeof STATE_WORDS} */ (kind)];
    const size = 12.5 * scale;
    const textY = ribbon.y + ribbon.height / 2 + 0.36 * size;
    const glyph = 11 * scale;
    if (labelled && room > 17 * scale) {
      const path = GLYPHS[/** @type {keyof typeof GLYPHS} */ (kind)];
      renderer.glyph(begin + 4 * scale, ribbon.y + (ribbon.height - glyph) / 2, glyph, path, theme.onLabel);
    }
    const textX = begin + (labelled ? 20 : 7) * scale;
    if (room > renderer.measure(name, size) + (labelled ? 26 : 14) * scale) {
      renderer.text(textX, textY, name, labelled ? theme.onLabel : theme.muted, size);
    }
    id = end;
  }
}

/**
 * Says what the lanes are that do not explain themselves.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {number|null} shareSeconds how long the spans of the shares are, null
 *   where the scores of single events stand there
 */
export function paintLaneNames(renderer, theme, lanes, shareSeconds) {
  const { scale } = lanes;
  const size = 10.5 * scale;
  if (shareSeconds !== null) {
    const name = `share of each ${duration(shareSeconds)}`;
    const { y } = lanes.scores;
    renderer.rectangle(0, y, renderer.measure(name, size) + 9 * scale, 15 * scale, theme.lane, 0.85);
    renderer.text(4 * scale, y + 10.5 * scale, name, theme.muted, size);
  }
  for (const [name, lane] of /** @type {const} */ ([["level", lanes.level], ["speech", lanes.speech]])) {
    const height = Math.min(lane.height, 14 * scale);
    renderer.rectangle(0, lane.y, renderer.measure(name, size) + 9 * scale, height, theme.lane, 0.9);
    renderer.text(4 * scale, lane.y + height / 2 + 0.34 * size, name, theme.muted, size);
  }
}

/**
 * Where the playhead of a file stands.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {number} x
 */
export function paintPlayhead(renderer, theme, lanes, x) {
  const thick = Math.max(1, Math.round(2 * lanes.scale));
  const left = Math.max(0, x - Math.floor(thick / 2));
  const bottom = lanes.speech.y + lanes.speech.height;
  const head = 5 * lanes.scale;
  // The rim keeps it visible on every colour.
  renderer.rectangle(left - thick, 0, 3 * thick, bottom, theme.panel, 0.85);
  renderer.rectangle(left - head, 0, thick + 2 * head, Math.round(5 * lanes.scale), theme.ink);
  renderer.rectangle(left, 0, thick, bottom, theme.ink);
}

const TICK_STEPS_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800];

/**
 * Marks round times of day along the axis, or a file's own time.
 *
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Lanes} lanes @param {import("../state/event-buffer.js").EventBuffer} events
 * @param {number} pixelsPerSecond @param {number} originPixels @param {number} width
 */
export function paintAxis(renderer, theme, lanes, events, pixelsPerSecond, originPixels, width) {
  if (events.isEmpty) return;
  const { scale } = lanes;
  const room = 84 * scale;
  const step = TICK_STEPS_SECONDS.find((seconds) => seconds * pixelsPerSecond >= room) ?? 21600;
  // Clock time of the newest event, carried along the axis: near enough, and steady.
  const newest = events.next - 1;
  const { hasTimesOfDay } = events;
  const offset = hasTimesOfDay ? events.time[events.slot(newest)] - events.positionOf(newest) : 0;
  const zone = hasTimesOfDay
    ? 60 * new Date((originPixels / pixelsPerSecond + offset) * 1000).getTimezoneOffset() : 0;
  const firstTime = originPixels / pixelsPerSecond + offset - zone;
  const size = 11 * scale;
  for (let tick = Math.ceil(firstTime / step) * step; ; tick += step) {
    const x = Math.round((tick + zone - offset) * pixelsPerSecond) - originPixels;
    if (x > width) break;
    renderer.rectangle(x, lanes.speech.y + lanes.speech.height + 4 * scale, Math.max(1, scale), 3 * scale, theme.muted);
    if (x > 30 * scale && x < width - 30 * scale) {
      const text = hasTimesOfDay ? timeOfDay(tick + zone) : playTime(tick);
      renderer.text(x, lanes.axisBaseline, text, theme.muted, size, "center");
    }
  }
}
