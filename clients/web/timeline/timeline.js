/**
 * The scrolling timeline: which stretch is shown, and the painting of one frame of it.
 */

import { Recording } from "../state/file-stream.js";
import { CanvasPen } from "../ui/renderers.js";
import { prefersLessMotion } from "../ui/theme.js";
import { layOut } from "./lanes.js";
import { paintAxis, paintLaneNames, paintNames, paintPlayhead } from "./painters.js";
import { Tiles } from "./tiles.js";
import { View } from "./view.js";

/** The style sheet's text size on most screens. */
const USUAL_FONT_PIXELS = 15;

/** @typedef {{begin: number, end: number}} Stretch positions in seconds */

export class Timeline {
  #liveView = new View();
  view = this.#liveView;
  /** Where the viewer left each file.
   * @type {WeakMap<Recording, View>} */
  #fileViews = new WeakMap();
  /** @type {number|null} where the sound of a recording stands, in seconds */
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
  /** @type {import("../ui/renderers.js").Pen} */
  #pen;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("../ui/theme.js").Theme} theme
   */
  constructor(canvas, theme) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.theme = theme;
    this.#pen = new CanvasPen(this.#context, theme.font);
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
    this.#drawnKey = "";
  }

  /** @param {import("../ui/theme.js").Theme} theme */
  setTheme(theme) {
    this.theme = theme;
    this.#pen = new CanvasPen(this.#context, theme.font);
    this.#resize();
  }

  /** @param {import("../state/stream.js").Stream|null} stream what will be drawn from now on */
  turnTo(stream) {
    this.view = stream instanceof Recording ? this.#viewOf(stream) : this.#liveView;
    this.#liveView.follow();
    this.view.cursorId = null;
    this.playhead = null;
    this.invalidate();
  }

  /** @param {Recording} recording */
  #viewOf(recording) {
    const view = this.#fileViews.get(recording) ?? new View(recording.durationSeconds);
    this.#fileViews.set(recording, view);
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
   * @param {import("../state/stream.js").Stream} stream @param {number} nowMs
   * @returns {number} the position that the live right edge has at this moment
   */
  livePosition(stream, nowMs) {
    const { history, clock } = stream;
    if (history.durationSeconds !== null) return history.endPosition;
    return prefersLessMotion() ? history.newestPosition : clock.at(nowMs);
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
    const { history } = stream;
    const { begin, end } = this.visible(stream, nowMs);
    const pixelsPerSecond = this.#width / this.view.spanSeconds;
    const origin = Math.round(end * pixelsPerSecond) - this.#width;
    if (this.hoverX !== null) {
      this.view.cursorId = history.covering(begin + this.hoverX * this.secondsPerCssPixel);
    }
    const cursor = this.#cursorPixel(history, pixelsPerSecond, origin);
    const playhead = this.playhead === null ? null : Math.round(this.playhead * pixelsPerSecond) - origin;
    const key = `${stream.name} ${origin} ${history.next} ${cursor} ${playhead}`;
    if (key !== this.#drawnKey) {
      this.#drawnKey = key;
      this.#paint(history, pixelsPerSecond, origin, cursor);
      if (playhead !== null) paintPlayhead(this.#pen, this.theme, this.#lanes, playhead);
    }
    return cursor === null ? null : (cursor * this.#cssWidth) / this.#width;
  }

  /** @param {import("../state/event-buffer.js").History} history @param {number} pixelsPerSecond @param {number} origin */
  #cursorPixel(history, pixelsPerSecond, origin) {
    const id = this.view.cursorId;
    if (id === null || id < history.first || id >= history.next) return null;
    const middle = (history.beginOf(id) + history.positionOf(id)) / 2;
    return Math.round(middle * pixelsPerSecond) - origin;
  }

  /**
   * @param {import("../state/event-buffer.js").History} history
   * @param {number} pixelsPerSecond @param {number} origin @param {number|null} cursor
   */
  #paint(history, pixelsPerSecond, origin, cursor) {
    const lanes = this.#lanes;
    const width = this.#width;
    this.#context.globalAlpha = 1;
    this.#tiles.draw(this.#context, history, lanes, this.theme, pixelsPerSecond, origin, width);
    paintNames(this.#pen, this.theme, lanes, history, pixelsPerSecond, origin, width);
    paintLaneNames(this.#pen, this.theme, lanes);
    paintAxis(this.#pen, this.theme, lanes, history, pixelsPerSecond, origin, width);
    if (cursor !== null) {
      const thick = Math.max(1, Math.round(1.5 * lanes.scale));
      const height = lanes.speech.y + lanes.speech.height;
      this.#pen.rectangle(cursor - thick, 0, 3 * thick, height, this.theme.panel, 0.75);
      this.#pen.rectangle(cursor, 0, thick, height, this.theme.ink);
    }
  }
}
