/** Lists the tracks, and the speakers. */

import { LABELS } from "../../../clients/web/state/events.js";
import { element } from "../../../clients/web/ui/dom.js";
import { glyphElement } from "../../../clients/web/ui/glyphs.js";
import { percent } from "../../../clients/web/ui/words.js";
import { paintRibbon } from "./ribbon.js";
import { sumsOfAll, sumsOfWhole } from "./sums.js";
import { lasting } from "./words.js";

/** @typedef {import("./track.js").Track} Track */
/** @typedef {import("./sums.js").Sums} Sums */

/** Rows that are there at once; a button adds as many. */
const ROWS = 100;
/** Shares are named down to this one. */
const [LEAST_NAMED, MOST_NAMED] = [0.01, 3];

/** @param {string} tag @param {string} className @param {(Node|string)[]} children */
function node(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/** @param {Sums} sums @returns {HTMLElement} the labels that held longest, with their shares of the time */
function mostly(sums) {
  const ranked = LABELS.map((label, index) => ({ label, share: sums.labels[index] / (sums.seconds || 1) }))
    .filter(({ share }) => share >= LEAST_NAMED).sort((a, b) => b.share - a.share).slice(0, MOST_NAMED);
  if (ranked.length === 0) return node("span", "mostly is-nothing", sums.uncertainSeconds > 0 ? "uncertain" : "no speech");
  return node("span", "mostly", ...ranked.map(({ label, share }) => {
    const part = node("span", "mostly-part", glyphElement(label), `${label} ${percent(share)}`);
    part.dataset.label = label;
    return part;
  }));
}

/** @param {Sums} sums @returns {HTMLElement} the shares of the time as one bar */
function stack(sums) {
  const bar = node("span", "stack");
  bar.setAttribute("aria-hidden", "true");
  LABELS.forEach((label, index) => {
    const part = node("span", "stack-part");
    part.dataset.label = label;
    part.style.flexGrow = String(sums.labels[index]);
    bar.append(part);
  });
  const rest = node("span", "stack-part stack-uncertain");
  rest.style.flexGrow = String(sums.uncertainSeconds);
  const silence = node("span", "stack-part");
  silence.style.flexGrow = String(sums.silentSeconds);
  bar.append(rest, silence);
  return bar;
}

/** @param {HTMLElement} row @param {() => void} pick */
function whenPicked(row, pick) {
  row.addEventListener("click", () => {
    if (String(window.getSelection()) === "") pick(); // a name can be copied
  });
}

export class TrackList {
  #body = element("tracks", HTMLTableElement).tBodies[0];
  #more = element("tracks-more", HTMLButtonElement);
  #none = element("tracks-none", HTMLElement);
  #order = element("tracks-order", HTMLSelectElement);
  /** @type {readonly Track[]} */
  #tracks = [];
  /** @type {Map<Track, HTMLElement>} */
  #rows = new Map();
  #count = ROWS;
  #pick;
  #theme;
  /** @type {IntersectionObserver} */
  #seen;

  /** @param {import("../../../clients/web/ui/theme.js").Theme} theme @param {(track: Track) => void} pick */
  constructor(theme, pick) {
    this.#theme = theme;
    this.#pick = pick;
    for (const label of LABELS) this.#order.append(new Option(`most ${label}`, label));
    this.#order.addEventListener("change", () => this.#fill());
    this.#more.addEventListener("click", () => {
      this.#count += ROWS;
      this.#fill();
    });
    // A ribbon is painted when it comes into sight.
    this.#seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        const track = [...this.#rows].find(([, row]) => row.contains(target))?.[0];
        if (isIntersecting && track !== undefined) this.#paint(/** @type {HTMLCanvasElement} */ (target), track);
      }
    }, { rootMargin: "50%" });
    window.addEventListener("beforeprint", () => {
      for (const [track, row] of this.#rows) for (const canvas of row.querySelectorAll("canvas")) this.#paint(canvas, track);
    });
  }

  /** @param {HTMLCanvasElement} canvas @param {Track} track */
  #paint(canvas, track) {
    paintRibbon(canvas, track, this.#theme);
  }

  /** @param {readonly Track[]} tracks */
  show(tracks) {
    this.#tracks = tracks;
    this.#count = ROWS;
    this.#fill();
  }

  /** @param {import("../../../clients/web/ui/theme.js").Theme} theme */
  setTheme(theme) {
    this.#theme = theme;
    this.#fill();
  }

  /** @returns {readonly Track[]} in the order of the list */
  get ordered() {
    const order = this.#order.value;
    if (order === "given") return this.#tracks;
    const label = LABELS.findIndex((each) => each === order);
    const share = (/** @type {Track} */ track) => sumsOfWhole(track).labels[label] / (sumsOfWhole(track).seconds || 1);
    return [...this.#tracks].sort(label >= 0 ? (a, b) => share(b) - share(a)
      : order === "longest" ? (a, b) => b.durationSeconds - a.durationSeconds
      : (a, b) => a.title.localeCompare(b.title, undefined, { numeric: true }));
  }

  #fill() {
    this.#seen.disconnect();
    const shown = this.ordered.slice(0, this.#count);
    this.#rows = new Map(shown.map((track) => [track, this.#row(track)]));
    this.#body.replaceChildren(...this.#rows.values());
    for (const canvas of this.#body.querySelectorAll("canvas")) this.#seen.observe(canvas);
    this.#none.hidden = shown.length > 0;
    const rest = this.#tracks.length - shown.length;
    this.#more.hidden = rest === 0;
    this.#more.textContent = `Show ${Math.min(rest, ROWS)} more of ${rest}`;
  }

  /** @param {Track} track */
  #row(track) {
    const sums = sumsOfWhole(track);
    const name = node("button", "track-name", node("bdi", "", track.title));
    name.title = track.name;
    name.setAttribute("type", "button");
    const cell = node("td", "track-cell", name);
    const details = [track.folder, track.about.speaker === null ? "" : track.speaker].filter((part) => part !== "");
    if (details.length > 0) cell.append(node("bdi", "track-detail", details.join(" · ")));
    const ribbon = node("canvas", "ribbon");
    ribbon.setAttribute("aria-hidden", "true");
    const row = node("tr", "", cell, node("td", "ribbon-cell", ribbon), node("td", "", mostly(sums)),
      node("td", "number", percent(sums.labelledSeconds / (sums.seconds || 1))), node("td", "number", lasting(track.durationSeconds)));
    whenPicked(row, () => this.#pick(track));
    return row;
  }

  /** @param {Track} track is marked as the one that is shown */
  mark(track) {
    for (const [each, row] of this.#rows) {
      row.classList.toggle("is-current", each === track);
      row.querySelector("button")?.setAttribute("aria-current", String(each === track));
    }
  }
}

export class SpeakerList {
  #panel = element("speakers-panel", HTMLElement);
  #body = element("speakers", HTMLTableElement).tBodies[0];
  #pick;

  /** @param {(speaker: string) => void} pick */
  constructor(pick) {
    this.#pick = pick;
  }

  /** @param {readonly Track[]} tracks */
  show(tracks) {
    /** @type {Map<string, Track[]>} */
    const bySpeaker = new Map();
    for (const track of tracks) bySpeaker.set(track.speaker, [...(bySpeaker.get(track.speaker) ?? []), track]);
    // Where nobody is named, the tracks are the speakers: their list has it all.
    this.#panel.hidden = !tracks.some(({ about }) => about.speaker !== null);
    if (this.#panel.hidden) return;
    this.#body.replaceChildren(...[...bySpeaker].map(([speaker, theirs]) => {
      const sums = sumsOfAll(theirs);
      const name = node("button", "track-name", node("bdi", "", speaker));
      name.setAttribute("type", "button");
      const row = node("tr", "", node("td", "track-cell", name), node("td", "ribbon-cell", stack(sums)), node("td", "", mostly(sums)),
        node("td", "number", String(theirs.length)), node("td", "number", lasting(sums.seconds)));
      whenPicked(row, () => this.#pick(speaker));
      return row;
    }));
  }
}
