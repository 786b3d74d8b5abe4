/**
 * Saves the visible timeline as files: CSV and JSON of its events, SVG and PNG of its picture.
 */

import { LABELS } from "../state/events.js";
import { GLYPHS } from "../ui/glyphs.js";
import { CanvasRenderer, SvgRenderer } from "../ui/renderers.js";
import { dayOf, playTime, timeOfDay } from "../ui/words.js";
import { layOut } from "./lanes.js";
import { paintStretch, paintStretchNames } from "./overview.js";
import { paintAxis, paintEmpty, paintLaneNames } from "./painters.js";
import { spansOf } from "./spans.js";

/**
 * @typedef {object} Excerpt
 * @property {import("../state/stream.js").Stream} stream
 * @property {number} begin
 * @property {number} end positions in seconds
 * @property {string} modelName
 */

/** An event that only touches the edge of what is shown is not shown. */
const AT_THE_EDGE_SECONDS = 1e-6;

/** @param {Excerpt} excerpt */
function eventsOf({ stream, begin, end }) {
  const { events } = stream;
  const found = [];
  for (let id = events.atOrAfter(begin + AT_THE_EDGE_SECONDS); id < events.next; id += 1) {
    if (events.beginOf(id) >= end - AT_THE_EDGE_SECONDS) break;
    found.push(events.event(id, stream.name));
  }
  return found;
}

/**
 * @param {string|number|null} value
 * @returns {string} one CSV field; a text that a spreadsheet would run as a formula gets an
 *   apostrophe in front
 */
function field(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {Excerpt} excerpt @returns {string} one line per event, RFC 4180 */
export function toCsv(excerpt) {
  const header = [
    "stream", "seq", "start_seconds", "end_seconds", "time_utc", "state", "label", "confidence",
    ...LABELS.map((label) => `score_${label}`), ...LABELS.map((label) => `raw_${label}`),
    "speech_ratio", "level_dbfs", "age_ms", "dropped_samples",
  ];
  const rows = eventsOf(excerpt).map((event) => [
    event.stream, event.seq, event.start, event.end, new Date(event.time * 1000).toISOString(),
    event.state, event.label, event.confidence,
    ...(event.scores ?? LABELS.map(() => null)), ...(event.raw ?? LABELS.map(() => null)),
    event.speech_ratio, event.level_dbfs, event.age_ms, event.dropped_samples,
  ]);
  return [header, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** @param {Excerpt} excerpt @returns {string} the events as the daemon sends them */
export function toJson(excerpt) {
  const named = (/** @type {number[]|null} */ values) =>
    values && Object.fromEntries(LABELS.map((label, index) => [label, values[index]]));
  const events = eventsOf(excerpt).map((event) =>
    ({ ...event, scores: named(event.scores), raw: named(event.raw) }));
  const { stream, modelName } = excerpt;
  return `${JSON.stringify({ stream: stream.name, demo: stream.isDemo, model: modelName, events }, null, 1)}\n`;
}

const PICTURE = Object.freeze({ width: 1200, lanesHeight: 300, head: 46, foot: 40, margin: 24 });

/** Moves every mark of a renderer, so that the lanes can stand anywhere in a picture. */
class OffsetRenderer {
  /** @param {import("../ui/renderers.js").Renderer} renderer @param {number} dx @param {number} dy */
  constructor(renderer, dx, dy) {
    this.rectangle = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ width,
      /** @type {number} */ height, /** @type {string} */ fill, /** @type {number} */ alpha = 1) =>
      renderer.rectangle(x + dx, y + dy, width, height, fill, alpha);
    /** @type {import("../ui/renderers.js").Renderer["band"]} */
    this.band = (xs, tops, bottoms, fill, alpha) => {
      const moved = (/** @type {number[]} */ values, /** @type {number} */ by) => values.map((value) => value + by);
      renderer.band(moved(xs, dx), moved(tops, dy), moved(bottoms, dy), fill, alpha);
    };
    /** @type {import("../ui/renderers.js").Renderer["text"]} */
    this.text = (x, y, text, fill, size, align) => renderer.text(x + dx, y + dy, text, fill, size, align);
    /** @type {import("../ui/renderers.js").Renderer["measure"]} */
    this.measure = (text, size) => renderer.measure(text, size);
    /** @type {import("../ui/renderers.js").Renderer["glyph"]} */
    this.glyph = (x, y, size, path, fill) => renderer.glyph(x + dx, y + dy, size, path, fill);
  }
}

/** @param {Excerpt} excerpt @returns {string} */
function titleOf({ stream, begin, end }) {
  const { events } = stream;
  if (!events.hasTimesOfDay) return `${stream.title} · ${playTime(begin)} – ${playTime(end)}`;
  const id = Math.min(events.next - 1, events.atOrAfter(end));
  const offset = events.time[events.slot(id)] - events.positionOf(id);
  const date = dayOf(begin + offset);
  const name = `${stream.title}${stream.isDemo ? " (demo recording)" : ""}`;
  return `${name} · ${date} ${timeOfDay(begin + offset)} – ${timeOfDay(end + offset)}`;
}

/**
 * @param {import("../ui/renderers.js").Renderer} renderer @param {import("../ui/theme.js").Theme} theme
 * @param {Excerpt} excerpt @param {number} scale
 */
function paintPicture(renderer, theme, excerpt, scale) {
  const { width, lanesHeight, head, foot, margin } = PICTURE;
  const { events } = excerpt.stream;
  const inner = (width - 2 * margin) * scale;
  const lanes = layOut(lanesHeight, scale);
  const pixelsPerSecond = inner / (excerpt.end - excerpt.begin);
  const origin = Math.round(excerpt.end * pixelsPerSecond) - inner;
  renderer.rectangle(0, 0, width * scale, (head + lanesHeight + foot) * scale, theme.panel);
  const moved = new OffsetRenderer(renderer, margin * scale, head * scale);
  paintEmpty(moved, theme, lanes, 0, inner);
  // The event that the left edge cuts would stick out: it is left away.
  let first = events.atOrAfter(excerpt.begin);
  while (first < events.next && Math.round(events.beginOf(first) * pixelsPerSecond) < origin) first += 1;
  const end = events.atOrAfter(excerpt.end + AT_THE_EDGE_SECONDS);
  paintStretch(moved, theme, lanes, events, first, end, pixelsPerSecond, origin, inner);
  paintStretchNames(moved, theme, lanes, events, pixelsPerSecond, origin, inner);
  paintLaneNames(moved, theme, lanes, spansOf(events, pixelsPerSecond, lanes)?.shares ?? null);
  paintAxis(moved, theme, lanes, events, pixelsPerSecond, origin, inner);
  renderer.text(margin * scale, 29 * scale, titleOf(excerpt), theme.ink, 15 * scale);
  renderer.text((width - margin) * scale, 29 * scale, "emotiond", theme.muted, 13 * scale, "end");
  const step = inner / LABELS.length;
  LABELS.forEach((label, index) => {
    const x = margin * scale + index * step;
    const y = (head + lanesHeight + 14) * scale;
    renderer.glyph(x, y, 12 * scale, GLYPHS[label], theme.labels[label]);
    renderer.text(x + 18 * scale, y + 11 * scale, label, theme.ink, 13 * scale);
  });
}

/** @param {Excerpt} excerpt @param {import("../ui/theme.js").Theme} theme @returns {string} */
export function toSvg(excerpt, theme) {
  const renderer = new SvgRenderer(PICTURE.width, PICTURE.head + PICTURE.lanesHeight + PICTURE.foot, theme.font);
  paintPicture(renderer, theme, excerpt, 1);
  return renderer.file(`emotiond · ${titleOf(excerpt)}`);
}

/** @param {Excerpt} excerpt @param {import("../ui/theme.js").Theme} theme @returns {Promise<Blob>} */
export function toPng(excerpt, theme) {
  const scale = 2;
  const canvas = document.createElement("canvas");
  canvas.width = PICTURE.width * scale;
  canvas.height = (PICTURE.head + PICTURE.lanesHeight + PICTURE.foot) * scale;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  paintPicture(new CanvasRenderer(context, theme.font), theme, excerpt, scale);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG encoder"))), "image/png");
  });
}

/** @param {Excerpt} excerpt @param {string} suffix @returns {string} safe on every file system */
export function fileName({ stream }, suffix) {
  const name = stream.name.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 40);
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  return `emotiond-${name || "stream"}-${stamp}.${suffix}`;
}

/** @param {Blob} blob @param {string} name hands a file to the browser's downloads */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has its own hold on the data once it has begun.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
