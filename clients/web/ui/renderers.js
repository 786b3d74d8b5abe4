/**
 * Puts the same marks on two surfaces: a canvas for the page and the PNG, a text for the SVG. What
 * is drawn is decided elsewhere, once.
 */

/**
 * @typedef {object} Renderer
 * @property {(x: number, y: number, width: number, height: number, fill: string, alpha?: number) =>
 *   void} rectangle
 * @property {(xs: number[], tops: number[], bottoms: number[], fill: string, alpha?: number) =>
 *   void} band between two edges, which go from point to point
 * @property {(x: number, y: number, text: string, fill: string, size: number, align?: TextAlign) =>
 *   void} text with its baseline at y
 * @property {(text: string, size: number) => number} measure a text's width, which may be a guess
 * @property {(x: number, y: number, size: number, path: string, fill: string) => void} glyph
 */

/** @typedef {"start"|"center"|"end"} TextAlign */

import { GLYPH_SIZE } from "./glyphs.js";

/** @implements {Renderer} */
export class CanvasRenderer {
  /** @type {Map<string, Path2D>} */
  #paths = new Map();

  /** @param {CanvasRenderingContext2D} context @param {string} font a font family */
  constructor(context, font) {
    this.context = context;
    this.font = font;
  }

  /** @type {Renderer["rectangle"]} */
  rectangle(x, y, width, height, fill, alpha = 1) {
    this.context.globalAlpha = alpha;
    this.context.fillStyle = fill;
    this.context.fillRect(x, y, width, height);
  }

  /** @type {Renderer["band"]} */
  band(xs, tops, bottoms, fill, alpha = 1) {
    const { context } = this;
    context.globalAlpha = alpha;
    context.fillStyle = fill;
    context.beginPath();
    for (let point = 0; point < xs.length; point += 1) context.lineTo(xs[point], tops[point]);
    for (let point = xs.length - 1; point >= 0; point -= 1) context.lineTo(xs[point], bottoms[point]);
    context.fill();
  }

  /** @type {Renderer["text"]} */
  text(x, y, text, fill, size, align = "start") {
    const { context } = this;
    context.globalAlpha = 1;
    context.fillStyle = fill;
    context.font = `${size}px ${this.font}`;
    context.textAlign = align;
    context.fillText(text, x, y);
  }

  /** @type {Renderer["measure"]} */
  measure(text, size) {
    this.context.font = `${size}px ${this.font}`;
    return this.context.measureText(text).width;
  }

  /** @type {Renderer["glyph"]} */
  glyph(x, y, size, path, fill) {
    let shape = this.#paths.get(path);
    if (shape === undefined) {
      shape = new Path2D(path);
      this.#paths.set(path, shape);
    }
    const { context } = this;
    context.save();
    context.globalAlpha = 1;
    context.fillStyle = fill;
    context.translate(x, y);
    context.scale(size / GLYPH_SIZE, size / GLYPH_SIZE);
    context.fill(shape);
    context.restore();
  }
}

/** @param {string} value */
const escaped = (value) => value.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);

/** @param {number} value */
const short = (value) => String(Math.round(value * 100) / 100);

/** The font that will show the file is unknown: assume a wide one. */
const WIDE_LETTER = 0.62;

/** @implements {Renderer} */
export class SvgRenderer {
  /** Marks of one colour share a path: ten minutes of eight scores stay a small file.
   * @type {Map<string, string[]>} */
  #shapes = new Map();
  /** @type {string[]} */
  #above = [];

  /** @param {number} width @param {number} height @param {string} font */
  constructor(width, height, font) {
    this.width = width;
    this.height = height;
    this.font = font;
  }

  /** @param {string} fill @param {number} alpha @param {string} path */
  #add(fill, alpha, path) {
    const key = `fill="${escaped(fill)}"${alpha < 1 ? ` fill-opacity="${short(alpha)}"` : ""}`;
    const paths = this.#shapes.get(key);
    if (paths === undefined) this.#shapes.set(key, [path]);
    else paths.push(path);
  }

  /** @type {Renderer["rectangle"]} */
  rectangle(x, y, width, height, fill, alpha = 1) {
    this.#add(fill, alpha, `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}z`);
  }

  /** @type {Renderer["band"]} */
  band(xs, tops, bottoms, fill, alpha = 1) {
    const along = (/** @type {number[]} */ ys) => ys.map((y, point) => `${short(xs[point])} ${short(y)}`);
    this.#add(fill, alpha, `M${[...along(tops), ...along(bottoms).reverse()].join("L")}z`);
  }

  /** @type {Renderer["text"]} */
  text(x, y, text, fill, size, align = "start") {
    const anchor = align === "center" ? "middle" : align;
    this.#above.push(`<text x="${short(x)}" y="${short(y)}" font-size="${short(size)}"`
      + ` text-anchor="${anchor}" fill="${escaped(fill)}">${escaped(text)}</text>`);
  }

  /** @type {Renderer["measure"]} */
  measure(text, size) {
    return WIDE_LETTER * size * text.length;
  }

  /** @type {Renderer["glyph"]} */
  glyph(x, y, size, path, fill) {
    const scale = Math.round((1000 * size) / GLYPH_SIZE) / 1000;
    this.#above.push(`<path transform="translate(${short(x)} ${short(y)}) scale(${scale})"`
      + ` fill="${escaped(fill)}" d="${path}"/>`);
  }

  /** @param {string} title @returns {string} a whole SVG file */
  file(title) {
    const shapes = [...this.#shapes].map(([key, paths]) => `<path ${key} d="${paths.join("")}"/>`);
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${this.width} ${this.height}"`,
      ` width="${this.width}" height="${this.height}" font-family="${escaped(this.font)}">`,
      `<title>${escaped(title)}</title>`, ...shapes, ...this.#above, "</svg>\n",
    ].join("\n");
  }
}
