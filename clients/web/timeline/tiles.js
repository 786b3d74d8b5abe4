/**
 * Keeps painted stretches of the timeline as images: scrolling moves them, and only what is new
 * is painted. The images are allocated once per size and used again.
 */

import { CanvasRenderer } from "../ui/renderers.js";
import { paintStretch } from "./overview.js";
import { paintEmpty } from "./painters.js";
import { spansOf } from "./spans.js";

const TILE_PIXELS = 512;

/**
 * @typedef {object} Tile
 * @property {number} index which stretch of the time axis it holds, NaN for none
 * @property {number} paintedTo the first id that is not painted on it
 * @property {HTMLCanvasElement} canvas
 * @property {CanvasRenderer} renderer
 */

export class Tiles {
  /** @type {Tile[]} */
  #tiles = [];
  /** @type {unknown} */
  #paintedFor = null;

  /**
   * Prepares for a view; a change of anything but the position throws the images away.
   * @param {number} width @param {number} height in device pixels
   * @param {import("../ui/theme.js").Theme} theme
   */
  resize(width, height, theme) {
    const count = Math.ceil(width / TILE_PIXELS) + 1;
    this.#tiles = Array.from({ length: count }, () => {
      const canvas = document.createElement("canvas");
      canvas.width = TILE_PIXELS;
      canvas.height = height;
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return { index: NaN, paintedTo: 0, canvas, renderer: new CanvasRenderer(context, theme.font) };
    });
  }

  /** Forgets what is painted, after a zoom, another stream or another theme. */
  clear() {
    for (const tile of this.#tiles) tile.index = NaN;
  }

  /**
   * @param {CanvasRenderingContext2D} target
   * @param {import("../state/event-buffer.js").EventBuffer} events
   * @param {import("./lanes.js").Lanes} lanes
   * @param {import("../ui/theme.js").Theme} theme
   * @param {number} pixelsPerSecond @param {number} originPixels @param {number} width
   */
  draw(target, events, lanes, theme, pixelsPerSecond, originPixels, width) {
    if (this.#paintedFor !== events) this.clear();
    this.#paintedFor = events;
    const first = Math.floor(originPixels / TILE_PIXELS);
    const last = Math.floor((originPixels + width - 1) / TILE_PIXELS);
    for (let index = first; index <= last; index += 1) {
      const count = this.#tiles.length;
      const tile = this.#tiles[((index % count) + count) % count];
      this.#paint(tile, index, events, lanes, theme, pixelsPerSecond);
      target.drawImage(tile.canvas, index * TILE_PIXELS - originPixels, 0);
    }
  }

  /**
   * @param {Tile} tile @param {number} index
   * @param {import("../state/event-buffer.js").EventBuffer} events
   * @param {import("./lanes.js").Lanes} lanes
   * @param {import("../ui/theme.js").Theme} theme
   * @param {number} pixelsPerSecond
   */
  #paint(tile, index, events, lanes, theme, pixelsPerSecond) {
    const origin = index * TILE_PIXELS;
    if (tile.index !== index) {
      tile.index = index;
      tile.paintedTo = events.atOrAfter(origin / pixelsPerSecond);
      paintEmpty(tile.renderer, theme, lanes, 0, TILE_PIXELS);
    }
    // One event more than ends on the tile: it may begin on it. So may a span of many.
    const beyond = spansOf(events, pixelsPerSecond, lanes)?.ribbon ?? 0;
    const end = Math.min(events.next, events.atOrAfter((origin + TILE_PIXELS) / pixelsPerSecond + beyond) + 1);
    if (tile.paintedTo >= end) return;
    paintStretch(tile.renderer, theme, lanes, events, tile.paintedTo, end, pixelsPerSecond, origin, TILE_PIXELS);
    tile.paintedTo = end;
  }
}
