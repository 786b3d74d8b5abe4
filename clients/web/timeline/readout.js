/**
 * Shows the exact numbers of what is under the timeline's cursor: a moment, or from afar the span
 * that is painted there.
 */

import { LABELS, STATES } from "../state/events.js";
import { glyphElement } from "../ui/glyphs.js";
import { STATE_WORDS, percent, playTime, timeOfDay } from "../ui/words.js";
import { kindOf, spanAround } from "./spans.js";

const COUNT = LABELS.length;
const EDGE_PIXELS = 8;
/** What a screen reader says of the others. */
const [LEAST_NAMED, MOST_NAMED] = [0.05, 3];

/** @typedef {import("../state/event-buffer.js").EventBuffer} EventBuffer */

/**
 * @param {EventBuffer} events @param {number} id @param {number} position near that event
 * @returns {string} when it was
 */
const timeAt = (events, id, position) => (events.hasTimesOfDay
  ? timeOfDay(events.time[events.slot(id)] + position - events.positionOf(id)) : playTime(position));

/**
 * @typedef {object} Reading
 * @property {string[]} when the moment, or begin and end
 * @property {string} word a label with its share, or what is the case instead
 * @property {string} label that the word names, "" for none
 * @property {number[]|null} shares the scores, or the shares of the time, in the order of LABELS
 * @property {number[]|null} raw null where there are none
 * @property {number} levelDbfs
 * @property {string[]} facts
 */

/** @param {EventBuffer} events @param {number} id @returns {Reading} of a single event */
function readEvent(events, id) {
  const slot = events.slot(id);
  const label = events.label[slot] < 0 ? "" : LABELS[events.label[slot]];
  const [from, to] = [slot * COUNT, (slot + 1) * COUNT];
  const hasScores = events.hasScores[slot] === 1;
  const age = events.ageMs[slot];
  return {
    when: [timeAt(events, id, events.positionOf(id))],
    word: label === "" ? STATE_WORDS[STATES[events.state[slot]]] : `${label} ${percent(events.confidence[slot])}`,
    label,
    shares: hasScores ? [...events.scores.subarray(from, to)] : null,
    raw: hasScores ? [...events.raw.subarray(from, to)] : null,
    levelDbfs: events.levelDbfs[slot],
    facts: [
      `${events.end[slot].toFixed(2)} s`,
      `${events.levelDbfs[slot].toFixed(1)} dBFS`,
      `speech ${percent(events.speechRatio[slot])}`,
      ...(Number.isNaN(age) ? [] : [`${age.toFixed(1)} ms`]),
    ],
  };
}

/**
 * @param {EventBuffer} events @param {number} id of an event in the span
 * @param {import("./spans.js").Span} span @returns {Reading}
 */
function readSpan(events, id, span) {
  const kind = kindOf(span);
  const label = LABELS.find((name) => name === kind) ?? "";
  return {
    when: [span.begin, span.end].map((position) => timeAt(events, id, position)),
    word: label === "" ? kind || STATE_WORDS.silence : `${label} ${percent(Math.max(...span.labels))}`,
    label,
    shares: span.labels,
    raw: null,
    levelDbfs: span.levelDbfs,
    facts: [
      `uncertain ${percent(span.uncertain)}`,
      `speech ${percent(span.speech)}`,
      `up to ${span.levelDbfs.toFixed(1)} dBFS`,
    ],
  };
}

/**
 * @param {EventBuffer} events @param {number} id
 * @param {number|null} seconds of the spans that are shown, null for single events
 * @returns {Reading}
 */
function read(events, id, seconds) {
  const span = seconds === null ? null : spanAround(events, id, seconds);
  return span === null ? readEvent(events, id) : readSpan(events, id, span);
}

/**
 * @param {EventBuffer} events @param {number} id
 * @param {number|null} seconds of the spans that are shown, null for single events
 * @returns {string} the moment, or the span, in words for a screen reader
 */
export function describe(events, id, seconds) {
  const { when, word, label, shares, levelDbfs } = read(events, id, seconds);
  const parts = [when.join(" to "), word];
  const ranked = (shares ?? []).map((share, index) => ({ name: LABELS[index], share }))
    .filter(({ name, share }) => share >= LEAST_NAMED && name !== label)
    .sort((a, b) => b.share - a.share).slice(0, MOST_NAMED);
  if (ranked.length > 0) {
    parts.push(`then ${ranked.map(({ name, share }) => `${name} ${percent(share)}`).join(", ")}`);
  }
  parts.push(`level ${Math.round(levelDbfs)} decibels`);
  return parts.join(", ");
}

export class Readout {
  #root;
  #shownKey = "";
  /** @type {unknown} */
  #shownEvents = null;
  #title;
  #note;
  #heads;
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
    this.#heads = Array.from({ length: 3 }, () => head.appendChild(document.createElement("th")));
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
   * @param {EventBuffer} events @param {number|null} id
   * @param {number|null} seconds of the spans that are shown, null for single events
   * @param {number|null} x the cursor, in CSS pixels from the frame's left edge
   */
  show(events, id, seconds, x) {
    const hidden = id === null || x === null;
    if (this.#root.hidden !== hidden) this.#root.hidden = hidden;
    if (hidden) {
      this.#shownKey = "";
      return;
    }
    // The newest span still grows.
    const key = seconds === null ? `${id}` : `${id} ${seconds} ${events.next}`;
    if (key !== this.#shownKey || events !== this.#shownEvents) this.#fill(read(events, id, seconds));
    this.#shownKey = key;
    this.#shownEvents = events;
    const room = this.#root.parentElement?.clientWidth ?? 0;
    const width = this.#root.offsetWidth;
    // Beside the cursor, on the side that has room.
    const right = x + 14 + width < room - EDGE_PIXELS;
    const left = Math.max(EDGE_PIXELS, Math.min(room - width - EDGE_PIXELS, right ? x + 14 : x - 14 - width));
    this.#root.style.transform = `translateX(${Math.round(left)}px)`;
  }

  /** @param {Reading} reading */
  #fill({ when, word, label, shares, raw, facts }) {
    const isSpan = when.length > 1;
    this.#title.textContent = `${when.join(" – ")} · ${word}`;
    (isSpan ? ["", "", "of the time"] : ["", "smoothed", "raw"]).forEach((text, index) => {
      this.#heads[index].textContent = text;
    });
    this.#rows.forEach(({ row, smoothed, raw: rawCell }, index) => {
      const share = shares?.[index];
      const exact = share?.toFixed(3) ?? "–";
      smoothed.textContent = isSpan ? "" : exact;
      rawCell.textContent = isSpan ? percent(share ?? 0) : raw?.[index].toFixed(3) ?? "–";
      row.classList.toggle("is-label", LABELS[index] === label);
    });
    // Each of them stays on one line.
    this.#note.textContent = facts.map((fact) => fact.replaceAll(" ", "\u00a0")).join(" · ");
  }
}
