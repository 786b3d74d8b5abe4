/** Shows the list of analysed files and recorded sessions: searched, with what they take. */

import { element, part, setAttribute, setText } from "../ui/dom.js";
import { glyphElement } from "../ui/glyphs.js";
import { plainButton, replaceRows } from "../ui/rows.js";
import { onSecondClick } from "../ui/second-click.js";
import { dayAndTime, dayOrTime, duration, playTime, storage } from "../ui/words.js";
import { bytesOf, matching } from "./entries.js";

/** @typedef {import("./entries.js").Entry} Entry */
/**
 * @typedef {object} EntriesHost what the buttons do
 * @property {(entry: Entry) => void} select
 * @property {(entry: Entry) => void} forget
 */

/**
 * @typedef {object} Shelf what is there
 * @property {Entry[]} entries the newest first
 * @property {number} unlisted sessions that are too many for the list
 * @property {number} unlistedBytes their size
 * @property {string|null} shownKey
 * @property {string[]} deleting keys of those whose deletion the daemon has yet to confirm
 * @property {boolean} keepsHistory whether the daemon remembers files
 * @property {boolean} hasSessions whether the daemon lists sessions
 */

/** Fewer are seen at a glance. */
const FEWEST_TO_SEARCH = 2;

/** @param {number} count */
const entriesInWords = (count) => (count === 1 ? "1 entry" : `${count} entries`);

export class EntriesPanel {
  #list = element("analysed", HTMLElement);
  #title = element("analysed-title", HTMLElement);
  #empty = element("analysed-empty", HTMLElement);
  #tools = element("analysed-tools", HTMLElement);
  #search = element("analysed-search", HTMLInputElement);
  #total = element("analysed-total", HTMLElement);
  #key = "";
  /** @type {Entry[]} */
  #shown = [];
  /** @type {Shelf|null} */
  #shelf = null;
  #host;

  /** @param {EntriesHost} host */
  constructor(host) {
    this.#host = host;
    this.#search.addEventListener("input", () => {
      if (this.#shelf !== null) this.show(this.#shelf);
    });
    this.#search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#search.value === "") return;
      event.preventDefault(); // the page would close the panel
      this.#search.value = "";
      if (this.#shelf !== null) this.show(this.#shelf);
    });
  }

  /** @param {Shelf} shelf */
  show(shelf) {
    this.#shelf = shelf;
    const { entries, shownKey, deleting, keepsHistory, hasSessions } = shelf;
    const wanted = this.#search.value.trim();
    const key = JSON.stringify([shownKey, deleting, keepsHistory, hasSessions, shelf.unlistedBytes, wanted]);
    const isSame = entries === this.#shown || JSON.stringify(entries) === JSON.stringify(this.#shown);
    this.#shown = entries;
    if (isSame && key === this.#key) return;
    this.#key = key;
    const found = matching(entries, wanted);
    this.#title.hidden = entries.length === 0;
    setText(this.#title, hasSessions ? "Analysed and recorded" : "Analysed");
    this.#empty.hidden = keepsHistory || !entries.some(({ kind }) => kind === "file");
    this.#tools.hidden = entries.length === 0;
    this.#search.hidden = entries.length < FEWEST_TO_SEARCH && wanted === "";
    setText(this.#total, this.#totalOf(shelf, found, wanted));
    const rows = found.map((entry) => {
      const row = this.#row(entry, entry.key === shownKey);
      if (deleting.includes(entry.key)) this.#markDeleting(row);
      return row;
    });
    replaceRows(this.#list, rows, () => this.#other());
  }

  /** @returns {HTMLElement} what can have the focus where the list is empty */
  #other() {
    if (!this.#tools.hidden && !this.#search.hidden) return this.#search;
    const isOffered = !element("files-choose", HTMLElement).hidden;
    return element(isOffered ? "choose" : "files-close", HTMLButtonElement);
  }

  /** @param {Shelf} shelf @param {Entry[]} found @param {string} wanted */
  #totalOf({ entries, unlisted, unlistedBytes }, found, wanted) {
    if (wanted !== "") {
      return found.length === 0 ? "Nothing found"
        : `${found.length} of ${entriesInWords(entries.length)} · ${storage(bytesOf(found))}`;
    }
    const all = `${entriesInWords(entries.length + unlisted)} · ${storage(bytesOf(entries) + unlistedBytes)}`;
    return unlisted === 0 ? all : `${all} · the newest are listed`;
  }

  /** @param {Entry} entry @param {boolean} isShown */
  #row(entry, isShown) {
    const { name, label, word, kind, bytes, time } = entry;
    const row = document.createElement("li");
    row.className = "file";
    row.dataset.kind = kind;
    const select = document.createElement("button");
    select.type = "button";
    select.className = "file-select";
    setAttribute(select, "aria-current", String(isShown));
    const verdict = part("span", "file-label", "");
    verdict.dataset.label = label ?? "none";
    if (label !== null) verdict.append(glyphElement(label));
    if (kind === "session") verdict.append(mark(entry.isRecording));
    verdict.append(word);
    const facts = kind === "session" ? `${duration(entry.duration)} · ${dayAndTime(time)}`
      : `${playTime(entry.duration)} · ${dayOrTime(time)}`;
    const size = part("span", "file-size", bytes === null ? "" : storage(bytes));
    select.append(
      line(part("bdi", "file-name", name), size),
      line(verdict, part("span", "file-facts", facts)),
    );
    select.addEventListener("click", () => this.#host.select(entry));
    row.append(select);
    if (!entry.isRecording) row.append(this.#deletion(entry));
    return row;
  }

  /** @param {Entry} entry @returns {HTMLButtonElement} */
  #deletion(entry) {
    const forget = () => this.#host.forget(entry);
    if (entry.kind === "file") return plainButton("×", `Delete ${entry.name}`, forget);
    // What was recorded cannot be had again.
    const made = plainButton("×", "", () => {});
    onSecondClick(made, { idle: "Delete", sign: "×", asking: "Delete?" }, forget, entry.name);
    return made;
  }

  /**
   * Its buttons do nothing more, but keep the focus, which a disabled button would lose.
   * @param {HTMLElement} row
   */
  #markDeleting(row) {
    setAttribute(row, "aria-busy", "true");
    for (const each of row.querySelectorAll("button")) setAttribute(each, "aria-disabled", "true");
    row.addEventListener("click", (event) => event.stopPropagation(), { capture: true });
    const facts = row.querySelector(".file-facts");
    if (facts instanceof HTMLElement) setText(facts, "deleting…");
  }
}

/** @param {HTMLElement[]} parts */
function line(...parts) {
  const made = part("span", "file-line", "");
  made.append(...parts);
  return made;
}

/** @param {boolean} isRecording @returns {HTMLElement} a dot, which is red while it is recorded */
function mark(isRecording) {
  const made = part("span", "file-mark", "");
  made.dataset.on = String(isRecording);
  setAttribute(made, "aria-hidden", "true");
  return made;
}
