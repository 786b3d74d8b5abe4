/**
 * Draws the valence–arousal plane: the eight words where their ratings put them, and the path of
 * the scores among them. An illustration, as the caption beside it says.
 */

import { LABELS } from "../state/events.js";
import { element, setAttribute, setText } from "../ui/dom.js";
import { GLYPHS } from "../ui/glyphs.js";
import { CanvasRenderer } from "../ui/renderers.js";
import { USUAL_FONT_PIXELS, prefersLessMotion } from "../ui/theme.js";
import { percent } from "../ui/words.js";
import { COORDINATES, SCALE_MIDDLE, affectOf } from "./affect.js";

/** The part of the scale that is shown: the words' mean can never lie outside their hull. */
const VALENCE = Object.freeze({ low: 1.2, high: 9.4 });
const AROUSAL = Object.freeze({ low: 0.9, high: 7 });
const PATH_SECONDS = 20;
const EASING_SECONDS = 0.25;
const COUNT = LABELS.length;
/** A share from which on its number stands beside the word. */
const LEAST_NAMED = 0.05;
/** What the plane shows.
 * @type {Readonly<Record<import("./glance.js").Sight["meaning"], string>>} */
const CAPTIONS = Object.freeze({
  moment: "last 20 s", average: "mean of the file", shares: "shares of time",
});

/** On which side of its shape each word stands, so that none covers another.
 * @type {Readonly<Record<import("../state/events.js").Label, "left"|"right"|"above">>} */
const WORD_SIDE = Object.freeze({
  neutral: "right", calm: "left", happy: "above", sad: "left",
  angry: "left", fearful: "left", disgust: "right", surprised: "above",
});

export class AffectPlane {
  #canvas;
  #context;
  #caption = element("plane-caption", HTMLElement);
  #scale = 1;
  #drawnKey = "";
  /** @type {import("./affect.js").AffectPoint|null} */
  #shown = null;
  #drawnAtMs = 0;
  /** @type {unknown} */
  #events = null;

  /** @param {HTMLCanvasElement} canvas @param {import("../ui/theme.js").Theme} theme */
  constructor(canvas, theme) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.theme = theme;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#canvas;
    const pixels = window.devicePixelRatio || 1;
    this.#canvas.width = Math.max(1, Math.round(clientWidth * pixels));
    this.#canvas.height = Math.max(1, Math.round(clientHeight * pixels));
    // Words and shapes grow with the plane, and with the page's own text.
    const text = parseFloat(getComputedStyle(this.#canvas).fontSize) / USUAL_FONT_PIXELS;
    this.#scale = pixels * Math.max(text, Math.min(2 * text, Math.min(clientWidth, clientHeight) / 340));
    this.#drawnKey = "";
  }

  /** @param {import("../ui/theme.js").Theme} theme */
  setTheme(theme) {
    this.theme = theme;
    this.#drawnKey = "";
  }

  /** @param {number} valence */
  #x(valence) {
    return (this.#canvas.width * (valence - VALENCE.low)) / (VALENCE.high - VALENCE.low);
  }

  /** @param {number} arousal */
  #y(arousal) {
    return this.#canvas.height * (1 - (arousal - AROUSAL.low) / (AROUSAL.high - AROUSAL.low));
  }

  /**
   * @param {import("../state/stream.js").Stream|null} stream
   * @param {import("../state/events.js").EmotionEvent|null} current null leaves the point away
   * @param {import("./glance.js").Sight["meaning"]} meaning of the scores
   * @param {number} until the position at which the path ends
   * @param {number} nowMs
   */
  draw(stream, current, meaning, until, nowMs) {
    const events = stream?.events ?? null;
    const shares = meaning === "shares" ? current?.scores ?? null : null;
    // The mean of several emotions would be a point where none of them is.
    const target = current?.scores && shares === null ? affectOf(current.scores) : null;
    const passed = Math.max(0, nowMs - this.#drawnAtMs) / 1000;
    this.#drawnAtMs = nowMs;
    if (target === null || this.#shown === null || prefersLessMotion() || this.#events !== events) {
      this.#shown = target;
    } else {
      const share = 1 - Math.exp(-passed / EASING_SECONDS);
      this.#shown = {
        valence: this.#shown.valence + share * (target.valence - this.#shown.valence),
        arousal: this.#shown.arousal + share * (target.arousal - this.#shown.arousal),
      };
    }
    this.#events = events;
    const place = this.#shown && `${this.#x(this.#shown.valence).toFixed(1)} ${this.#y(this.#shown.arousal).toFixed(1)}`;
    const key = `${stream?.name} ${events?.next} ${events?.atOrAfter(until)} ${place} ${meaning}`;
    if (key === this.#drawnKey) return;
    this.#drawnKey = key;
    this.#paint(events, meaning === "moment" ? until : null, current?.label ?? null, shares);
    setText(this.#caption, CAPTIONS[meaning]);
    setAttribute(this.#canvas, "aria-label", shares !== null
      ? `Shares of the time: ${LABELS.filter((_, index) => shares[index] > 0)
        .map((name) => `${name} ${percent(shares[LABELS.indexOf(name)])}`).join(", ")}`
      : target === null ? "Valence and arousal: no score at present"
      : `Valence ${target.valence.toFixed(1)} and arousal ${target.arousal.toFixed(1)}, on scales from 1 to 9`);
  }

  /**
   * @param {import("../state/event-buffer.js").EventBuffer|null} events
   * @param {number|null} until null for no path
   * @param {import("../state/events.js").Label|null} label
   * @param {number[]|null} shares of the time, which the shapes then show by their size
   */
  #paint(events, until, label, shares) {
    const { theme } = this;
    const context = this.#context;
    const { width, height } = this.#canvas;
    const scale = this.#scale;
    const renderer = new CanvasRenderer(context, theme.font);
    context.globalAlpha = 1;
    context.clearRect(0, 0, width, height);
    const line = Math.max(1, Math.round(scale));
    renderer.rectangle(0, Math.round(this.#y(SCALE_MIDDLE)), width, line, theme.line);
    renderer.rectangle(Math.round(this.#x(SCALE_MIDDLE)), 0, line, height, theme.line);
    const small = 11.5 * scale;
    const edge = 8 * scale;
    // Above the axis there are words, and disgust is on it.
    const below = this.#y(SCALE_MIDDLE) + 22 * scale;
    renderer.text(edge, below, "unpleasant", theme.muted, small);
    renderer.text(width - edge, below, "pleasant", theme.muted, small, "end");
    renderer.text(this.#x(SCALE_MIDDLE) + 6 * scale, small + 4 * scale, "aroused", theme.muted, small);
    renderer.text(this.#x(SCALE_MIDDLE) + 6 * scale, height - 6 * scale, "at rest", theme.muted, small);
    if (until !== null && events !== null) this.#paintPath(events, until);
    LABELS.forEach((name, index) => this.#paintWord(renderer, name, name === label, shares && shares[index]));
    this.#paintPoint(label);
  }

  /**
   * @param {CanvasRenderer} renderer @param {import("../state/events.js").Label} name
   * @param {boolean} isPresent @param {number|null} share of the time
   */
  #paintWord(renderer, name, isPresent, share) {
    const scale = this.#scale;
    const x = this.#x(COORDINATES[name].valence);
    const y = this.#y(COORDINATES[name].arousal);
    const size = (share === null ? (isPresent ? 17 : 13) : 9 + 40 * Math.sqrt(share)) * scale;
    // Neither axis nor path runs through a word or its shape.
    const rim = 3 * scale;
    renderer.rectangle(x - size / 2 - rim, y - size / 2 - rim, size + 2 * rim, size + 2 * rim, this.theme.panel);
    renderer.glyph(x - size / 2, y - size / 2, size, GLYPHS[name], this.theme.labels[name]);
    const text = 12 * scale;
    const ink = isPresent || (share ?? 0) >= LEAST_NAMED ? this.theme.ink : this.theme.muted;
    const words = (share ?? 0) >= LEAST_NAMED ? `${name} ${percent(share ?? 0)}` : name;
    const side = WORD_SIDE[name];
    const apart = size / 2 + 5.5 * scale;
    const goesLeft = side === "left" && x - apart > renderer.measure(words, text);
    if (side === "above") {
      const half = renderer.measure(words, text) / 2 + rim;
      const middle = Math.min(this.#canvas.width - half, Math.max(half, x));
      this.#paintClear(renderer, middle, y - size / 2 - 0.45 * text, words, ink, text, "center");
    }
    else if (goesLeft) this.#paintClear(renderer, x - apart, y + 0.36 * text, words, ink, text, "end");
    else this.#paintClear(renderer, x + apart, y + 0.36 * text, words, ink, text, "start");
  }

  /**
   * Writes a word with a rim in the panel's colour.
   * @param {CanvasRenderer} renderer @param {number} x @param {number} y @param {string} text
   * @param {string} ink @param {number} size @param {import("../ui/renderers.js").TextAlign} align
   */
  #paintClear(renderer, x, y, text, ink, size, align) {
    const width = renderer.measure(text, size);
    const left = align === "start" ? x : align === "end" ? x - width : x - width / 2;
    const rim = 0.25 * size;
    renderer.rectangle(left - rim, y - 0.85 * size, width + 2 * rim, 1.15 * size, this.theme.panel);
    renderer.text(x, y, text, ink, size, align);
  }

  /** @param {import("../state/event-buffer.js").EventBuffer} events @param {number} until */
  #paintPath(events, until) {
    const context = this.#context;
    context.strokeStyle = this.theme.ink;
    context.lineWidth = 2 * this.#scale;
    /** @type {import("./affect.js").AffectPoint|null} */
    let before = null;
    const end = Math.min(events.next, events.atOrAfter(until) + 1);
    for (let id = events.atOrAfter(until - PATH_SECONDS); id < end; id += 1) {
      const slot = events.slot(id);
      const point = events.hasScores[slot] === 1 ? affectOf(events.scores, slot * COUNT) : null;
      if (point !== null && before !== null && events.follows(id)) {
        // Older stretches fade: the eye sees where the voice comes from.
        context.globalAlpha = 0.5 * Math.min(1, Math.max(0, 1 - (until - events.positionOf(id)) / PATH_SECONDS));
        context.beginPath();
        context.moveTo(this.#x(before.valence), this.#y(before.arousal));
        context.lineTo(this.#x(point.valence), this.#y(point.arousal));
        context.stroke();
      }
      before = point;
    }
    context.globalAlpha = 1;
  }

  /** @param {import("../state/events.js").Label|null} label */
  #paintPoint(label) {
    if (this.#shown === null) return;
    const context = this.#context;
    const scale = this.#scale;
    context.beginPath();
    context.arc(this.#x(this.#shown.valence), this.#y(this.#shown.arousal), 8 * scale, 0, 2 * Math.PI);
    context.fillStyle = label === null ? this.theme.muted : this.theme.labels[label];
    context.fill();
    context.lineWidth = 2.5 * scale;
    context.strokeStyle = this.theme.ink;
    context.stroke();
  }
}
