/**
 * Shows the eight scores as bars: the smoothed score as the bar, this window's raw score as a mark
 * on it.
 */

import { LABELS } from "../state/events.js";
import { element, setAttribute, setText } from "../ui/dom.js";
import { glyphElement } from "../ui/glyphs.js";
import { percent } from "../ui/words.js";

/** A smaller raw score reads as zero, and has no mark: eight at the left edge would be a line. */
const LEAST_MARKED = 0.005;

export class ScoreBars {
  #root = element("bars", HTMLElement);
  #rows = LABELS.map((label) => {
    const row = document.createElement("li");
    row.dataset.label = label;
    const name = document.createElement("span");
    name.className = "bar-name";
    name.append(glyphElement(label), label);
    const track = document.createElement("div");
    track.className = "bar-track";
    track.setAttribute("role", "meter");
    track.setAttribute("aria-label", label);
    track.setAttribute("aria-valuemin", "0");
    track.setAttribute("aria-valuemax", "100");
    const bar = document.createElement("div");
    bar.className = "bar-smoothed";
    const mark = document.createElement("div");
    mark.className = "bar-raw";
    track.append(bar, mark);
    const value = document.createElement("span");
    value.className = "bar-value";
    value.setAttribute("aria-hidden", "true");
    row.append(name, track, value);
    return { label, row, track, bar, mark, value };
  });

  constructor() {
    this.#root.append(...this.#rows.map(({ row }) => row));
    this.show(null);
  }

  /** @param {import("../state/events.js").EmotionEvent|null} event */
  show(event) {
    const scores = event?.scores ?? null;
    const raw = event?.raw ?? null;
    this.#root.classList.toggle("is-without-raw", raw === null);
    this.#rows.forEach(({ label, row, track, bar, mark, value }, index) => {
      const score = scores?.[index] ?? 0;
      row.classList.toggle("is-label", event !== null && event.label === label);
      bar.style.transform = `scaleX(${score.toFixed(4)})`;
      const rawScore = raw?.[index] ?? 0;
      mark.classList.toggle("is-zero", rawScore < LEAST_MARKED);
      mark.style.transform = `translateX(${(100 * rawScore).toFixed(2)}%)`;
      setText(value, scores === null ? "–" : percent(score));
      setAttribute(track, "aria-valuenow", String(Math.round(100 * score)));
      setAttribute(track, "aria-valuetext", scores === null ? "no score" : percent(score));
    });
  }
}
