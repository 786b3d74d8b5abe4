/**
 * Shows the exact numbers of the moment under the timeline's cursor.
 */

import { LABELS, STATES } from "../state/events.js";
import { glyphElement } from "../ui/glyphs.js";
import { STATE_WORDS, percent, playTime, timeOfDay } from "../ui/words.js";

const COUNT = LABELS.length;
const EDGE_PIXELS = 8;

/** @param {import("../state/event-buffer.js").EventBuffer} events @param {number} id @returns {string} when it was */
const whenOf = (events, id) => (events.durationSeconds === null
  ? timeOfDay(events.time[events.slot(id)]) : playTime(events.positionOf(id)));

/**
 * @param {import("../state/event-buffer.js").EventBuffer} events @param {number} id
 * @returns {string} the moment in words, for a screen reader
 */
export function describe(events, id) {
  const slot = events.slot(id);
  const label = events.label[slot];
  const what = label >= 0
    ? `${LABELS[label]} ${percent(events.confidence[slot])}`
    : STATE_WORDS[STATES[events.state[slot]]];
  const parts = [whenOf(events, id), what];
  if (events.hasScores[slot] === 1) {
    const ranked = LABELS.map((name, index) => ({ name, score: events.scores[slot * COUNT + index] }))
      .filter(({ name, score }) => score >= 0.05 && name !== LABELS[label])
      .sort((a, b) => b.score - a.score);
    if (ranked.length > 0) {
      parts.push(`then ${ranked.slice(0, 3).map(({ name, score }) => `${name} ${percent(score)}`).join(", ")}`);
    }
  }
  parts.push(`level ${Math.round(events.levelDbfs[slot])} decibels`);
  return parts.join(", ");
}

export class Readout {
  #root;
  #shownId = -1;
  /** @type {unknown} */
  #shownEvents = null;
  #title;
  #note;
  /** @type {{smoothed: HTMLElement, raw: HTMLElement, row: HTMLElement}[]} */
  #rows = [];

  /** @param {HTMLElement} root an empty element inside the timeline's frame */
  constructor(root) {
    this.#root = root;
    this.#title = document.createElement("p");
    this.#title.className = "readout-title";
    this.#note = document.createElement("p");
    this.#note.className = "readout-note";
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const name of ["", "smoothed", "raw"]) {
      const cell = document.createElement("th");
      cell.textContent = name;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const label of LABELS) {
      const row = body.insertRow();
      row.dataset.label = label;
      row.insertCell().append(glyphElement(label), label);
      this.#rows.push({ row, smoothed: row.insertCell(), raw: row.insertCell() });
    }
    root.append(this.#title, table, this.#note);
  }

  /**
   * @param {import("../state/event-buffer.js").EventBuffer} events @param {number|null} id
   * @param {number|null} x the cursor, in CSS pixels from the frame's left edge
   */
  show(events, id, x) {
    const hidden = id === null || x === null;
    if (this.#root.hidden !== hidden) this.#root.hidden = hidden;
    if (hidden) {
      this.#shownId = -1;
      return;
    }
    if (id !== this.#shownId || events !== this.#shownEvents) this.#fill(events, id);
    this.#shownId = id;
    this.#shownEvents = events;
    const room = this.#root.parentElement?.clientWidth ?? 0;
    const width = this.#root.offsetWidth;
    // Beside the cursor, on the side that has room.
    const right = x + 14 + width < room - EDGE_PIXELS;
    const left = Math.max(EDGE_PIXELS, Math.min(room - width - EDGE_PIXELS, right ? x + 14 : x - 14 - width));
    this.#root.style.transform = `translateX(${Math.round(left)}px)`;
  }

  /** @param {import("../state/event-buffer.js").EventBuffer} events @param {number} id */
  #fill(events, id) {
    const slot = events.slot(id);
    const label = events.label[slot];
    const word = label >= 0
      ? `${LABELS[label]} ${percent(events.confidence[slot])}`
      : STATE_WORDS[STATES[events.state[slot]]];
    this.#title.textContent = `${whenOf(events, id)} · ${word}`;
    const hasScores = events.hasScores[slot] === 1;
    this.#rows.forEach(({ row, smoothed, raw }, index) => {
      smoothed.textContent = hasScores ? events.scores[slot * COUNT + index].toFixed(3) : "–";
      raw.textContent = hasScores ? events.raw[slot * COUNT + index].toFixed(3) : "–";
      row.classList.toggle("is-label", index === label);
    });
    const age = events.ageMs[slot];
    this.#note.textContent = [
      `${events.end[slot].toFixed(2)} s`,
      `${events.levelDbfs[slot].toFixed(1)} dBFS`,
      `speech ${percent(events.speechRatio[slot])}`,
      ...(Number.isNaN(age) ? [] : [`${age.toFixed(1)} ms`]),
    ].join(" · ");
  }
}
