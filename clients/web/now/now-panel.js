/**
 * Shows the present emotion, large and calm: shape, word, confidence as a ring, loudness as a halo.
 */

import { element, setAttribute, setText } from "../ui/dom.js";
import { GLYPHS } from "../ui/glyphs.js";

/**
 * Line drawings for all that is not an emotion.
 * @type {Readonly<Record<string, string>>}
 */
const SYMBOLS = Object.freeze({
  connecting: "M12 4a8 8 0 0 1 8 8",
  waiting: "M12 4a8 8 0 0 1 8 8",
  warmup: "M12 4a8 8 0 0 1 8 8",
  analysing: "M12 4a8 8 0 0 1 8 8",
  offline: "M19.5 9.5a8 8 0 1 0 .3 4.5M20 4v5.5h-5.5",
  locked: "M6.5 11h11v8.5h-11zM9 11V8a3 3 0 0 1 6 0v3",
  reconnecting: "M19.5 9.5a8 8 0 1 0 .3 4.5M20 4v5.5h-5.5",
  quiet: "M7 7v10M17 7v10",
  stalled: "M9 6.5v11M15 6.5v11",
  ended: "M7.5 7.5h9v9h-9z",
  muted: "M9 8.5V7a3 3 0 0 1 6 0v5M9 11.5a3 3 0 0 0 4 3M6 11a6 6 0 0 0 9.5 5M12 17.5V21M4 4l16 16",
  silence: "M6 12h.01M12 12h.01M18 12h.01",
  mixed: "M7 8.5h10M7 12h6M7 15.5h8",
  uncertain: "M8.5 9.2a3.5 3.5 0 1 1 5.2 3c-1.1.7-1.7 1.4-1.7 2.8M12 18.5h.01",
});

const HALO_GROWTH = 0.22;
/** Letters; longer words are set smaller, so that they stay on one line. */
const LONGEST_LARGE_WORD = 9;

export class NowPanel {
  #root = element("now", HTMLElement);
  #word = element("now-word", HTMLElement);
  #detail = element("now-detail", HTMLElement);
  #note = element("now-note", HTMLElement);
  #shape = element("orb-shape", SVGPathElement);
  #ring = element("orb-ring", SVGCircleElement);
  #halo = element("orb-halo", SVGCircleElement);

  /** @param {import("./situation.js").Situation} situation */
  show(situation) {
    const { kind, label } = situation;
    setAttribute(this.#root, "data-kind", kind);
    setAttribute(this.#root, "data-label", label ?? "none");
    setText(this.#word, situation.word);
    this.#word.classList.toggle("is-long", situation.word.length > LONGEST_LARGE_WORD);
    setText(this.#detail, situation.detail);
    setText(this.#note, situation.note);
    this.#note.hidden = situation.note === "";
    setAttribute(this.#shape, "d", label === null ? SYMBOLS[kind] ?? "" : GLYPHS[label]);
    const share = Math.round(100 * situation.confidence);
    this.#ring.style.strokeDasharray = `${share} 100`;
    this.#ring.style.opacity = share === 0 ? "0" : "1";
    this.#halo.style.transform = `scale(${(1 + HALO_GROWTH * situation.loudness).toFixed(3)})`;
  }
}
