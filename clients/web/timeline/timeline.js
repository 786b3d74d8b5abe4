/**
 * Draws the scrolling timeline: decides which stretch is shown, and paints each frame of it.
 */

import { FileStream } from "../state/file-stream.js";
import { CanvasRenderer } from "../ui/renderers.js";
import { USUAL_FONT_PIXELS, prefersLessMotion } from "../ui/theme.js";
import { layOut } from "./lanes.js";
import { paintStretchNames } from "./overview.js";
import { paintAxis, paintEmpty, paintLaneNames, paintPlayhead } from "./painters.js";
import { spanAround, spansOf } from "./spans.js";
import { Tiles } from "./tiles.js";
import { View } from "./view.js";

/** @typedef {{begin: number, end: number}} Stretch positions in seconds */

export class Timeline {
  #liveView = new View();
  view = this.#liveView;
  /** Where the viewer left each file.
   * @type {WeakMap<FileStream, View>} */
  #fileViews = new WeakMap();
  /** @type {number|null} where the sound of a file stands, in seconds */
  playhead = null;
  /** @type {number|null} where the pointer hovers, in CSS pixels from the left edge */
  hoverX = null;
  #canvas;
  #context;
  #tiles = new Tiles();
  #lanes = layOut(240, 1);
  #width = 1;
  #cssWidth = 1;
  #drawnKey = "";
  /** @type {unknown} */
  #drawnEvents = null;
  /** @type {import("../ui/renderers.js").Renderer} */
  #renderer;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("../ui/theme.js").Theme} theme
   */
  constructor(canvas, theme) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.theme = theme;
    this.#renderer = new CanvasRenderer(this.#context, theme.font);
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  #resize() {
    const pixels = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.#canvas;
    // Names and ribbon grow with the page's own text.
    const zoom = parseFloat(getComputedStyle(this.#canvas).fontSize) / USUAL_FONT_PIXELS;
    this.#cssWidth = Math.max(1, clientWidth);
    this.#width = Math.max(1, Math.round(clientWidth * pixels));
    this.#lanes = layOut(Math.max(1, clientHeight) / zoom, pixels * zoom);
    this.#canvas.width = this.#width;
    this.#canvas.height = this.#lanes.height;
    this.#tiles.resize(this.#width, this.#lanes.height, this.theme);
    this.#clear();
  }

  /** Shows that there is nothing, until something is drawn: this canvas would be black. */
  #clear() {
    paintEmpty(this.#renderer, this.theme, this.#lanes, 0, this.#width);
    this.#drawnKey = "";
  }

  /** @param {import("../ui/theme.js").Theme} theme */
  setTheme(theme) {
    this.theme = theme;
    this.#renderer = new CanvasRenderer(this.#context, theme.font);
    this.#resize();
  }

  /** @param {import("../state/stream.js").Stream|null} stream what will be drawn from now on */
  show(stream) {
    this.view = stream instanceof FileStream ? this.#viewOf(stream) : this.#liveView;
    this.#liveView.follow();
    this.view.cursorId = null;
    this.playhead = null;
    this.invalidate();
    if (stream === null) this.#clear();
  }

  /** @param {FileStream} fileStream */
  #viewOf(fileStream) {
    const view = this.#fileViews.get(fileStream) ?? new View(fileStream.durationSeconds);
    this.#fileViews.set(fileStream, view);
    return view;
  }

  /** After a zoom: everything has another width. */
  invalidate() {
    this.#tiles.clear();
    this.#drawnKey = "";
  }

  get secondsPerCssPixel() {
    return this.view.spanSeconds / this.#cssWidth;
  }

  /**
   * @param {import("../state/event-buffer.js").EventBuffer} events
   * @returns {number|null} how long the spans are that are shown instead of events, if they are
   */
  shareSeconds(events) {
    return spansOf(events, this.#width / this.view.spanSeconds, this.#lanes)?.shares ?? null;
  }

  /**
   * @param {import("../state/stream.js").Stream} stream @param {number} nowMs
   * @returns {number} the position that the live right edge has at this moment
   */
  livePosition(stream, nowMs) {
    const { events, clock } = stream;
    if (events.durationSeconds !== null) return events.endPosition;
    return prefersLessMotion() ? events.newestPosition : clock.at(nowMs);
  }

  /** @param {import("../state/stream.js").Stream} stream @param {number} nowMs @returns {Stretch} */
  visible(stream, nowMs) {
    const end = this.view.end(this.livePosition(stream, nowMs));
    return { begin: end - this.view.spanSeconds, end };
  }

  /**
   * @param {import("../state/stream.js").Stream} stream @param {number} nowMs
   * @param {number} x in CSS pixels @returns {number}
   */
  positionAt(stream, nowMs, x) {
    return this.visible(stream, nowMs).begin + x * this.secondsPerCssPixel;
  }

  /**
   * @param {import("../state/stream.js").Stream} stream @param {number} nowMs
   * @returns {number|null} the cursor's place in CSS pixels, null without one
   */
  draw(stream, nowMs) {
    const { events } = stream;
    if (this.#drawnEvents !== events) {
      // Another stream, or its past has come: ids of events are others now.
      if (this.#drawnEvents !== null) this.view.cursorId = null;
      this.#drawnEvents = events;
      this.#drawnKey = "";
    }
    if (!(stream instanceof FileStream)) this.view.reach(stream.keptSeconds);
    const { begin, end } = this.visible(stream, nowMs);
    const pixelsPerSecond = this.#width / this.view.spanSeconds;
    const origin = Math.round(end * pixelsPerSecond) - this.#width;
    if (this.hoverX !== null) {
      this.view.cursorId = events.covering(begin + this.hoverX * this.secondsPerCssPixel);
    }
    const cursor = this.#cursorPixel(events, pixelsPerSecond, origin);
    const playhead = this.playhead === null ? null : Math.round(this.playhead * pixelsPerSecond) - origin;
    const key = `${stream.name} ${origin} ${events.next} ${cursor} ${playhead}`;
    if (key !== this.#drawnKey) {
      this.#drawnKey = key;
      this.#paint(events, pixelsPerSecond, origin, cursor);
      if (playhead !== null) paintPlayhead(this.#renderer, this.theme, this.#lanes, playhead);
    }
    return cursor === null ? null : (cursor * this.#cssWidth) / this.#width;
  }

  /**
   * @param {import("../state/event-buffer.js").EventBuffer} events
   * @param {number} pixelsPerSecond @param {number} origin
   */
  #cursorPixel(events, pixelsPerSecond, origin) {
    const id = this.view.cursorId;
    if (id === null || id < events.first || id >= events.next) return null;
    const seconds = this.shareSeconds(events);
    const found = seconds === null ? null : spanAround(events, id, seconds);
    const middle = found === null ? (events.beginOf(id) + events.positionOf(id)) / 2 : (found.begin + found.end) / 2;
    return Math.round(middle * pixelsPerSecond) - origin;
  }

  /**
   * @param {import("../state/event-buffer.js").EventBuffer} events
   * @param {number} pixelsPerSecond @param {number} origin @param {number|null} cursor
   */
  #paint(events, pixelsPerSecond, origin, cursor) {
    const lanes = this.#lanes;
    const width = this.#width;
    this.#context.globalAlpha = 1;
    this.#tiles.draw(this.#context, events, lanes, this.theme, pixelsPerSecond, origin, width);
    paintStretchNames(this.#renderer, this.theme, lanes, events, pixelsPerSecond, origin, width);
    paintLaneNames(this.#renderer, this.theme, lanes, this.shareSeconds(events));
    paintAxis(this.#renderer, this.theme, lanes, events, pixelsPerSecond, origin, width);
    if (cursor !== null) {
      const thick = Math.max(1, Math.round(1.5 * lanes.scale));
      const height = lanes.speech.y + lanes.speech.height;
      this.#renderer.rectangle(cursor - thick, 0, 3 * thick, height, this.theme.panel, 0.75);
      this.#renderer.rectangle(cursor, 0, thick, height, this.theme.ink);
    }
  }
}
