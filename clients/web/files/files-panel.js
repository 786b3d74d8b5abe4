/** Shows the panel of files: those on their way, and those that have been analysed. */

import { element, part, setAttribute, setText } from "../ui/dom.js";
import { glyphElement } from "../ui/glyphs.js";
import { verdictOf } from "../state/verdict.js";
import { dayOrTime, duration, percent, playTime, shownName } from "../ui/words.js";

/**
 * @typedef {object} FilesHost what the panel's buttons do
 * @property {(job: import("./job.js").Job) => void} remove cancels, or puts a failure away
 * @property {(job: import("./job.js").Job) => void} retry
 * @property {(job: import("./job.js").Job) => void} watch
 * @property {(key: string) => void} putAway an interrupted one
 * @property {(id: number) => void} select
 * @property {(id: number) => void} forget
 */

/** @typedef {{row: HTMLElement, state: HTMLElement, bar: HTMLProgressElement}} JobRow */

/**
 * @param {string} text @param {string} label what a screen reader says
 * @param {() => void} act
 */
function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button-plain";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

/** @param {import("./job.js").Job} job @param {number} nowMs @returns {string} */
function stateOf(job, nowMs) {
  switch (job.phase) {
    case "waiting": return "waiting";
    case "decoding": return "decoding…";
    case "failed": return job.problem;
    default: {
      const left = job.secondsLeft(nowMs);
      return left === null ? percent(job.progress)
        : `${percent(job.progress)}, ${left < 1 ? "a moment" : duration(Math.ceil(left))} left`;
    }
  }
}

export class FilesPanel {
  #queue = element("queue", HTMLElement);
  #interrupted = element("interrupted", HTMLElement);
  #analysed = element("analysed", HTMLElement);
  #analysedTitle = element("analysed-title", HTMLElement);
  #empty = element("analysed-empty", HTMLElement);
  /** @type {Map<import("./job.js").Job, JobRow>} */
  #jobRows = new Map();
  #queueKey = "";
  #interruptedKey = "";
  #resultsKey = "";
  #host;

  /** @param {FilesHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {import("./job.js").Job[]} jobs @param {number} nowMs */
  showJobs(jobs, nowMs) {
    const key = jobs.map((job) => `${job.key} ${job.phase}`).join("\n");
    if (key !== this.#queueKey) {
      this.#queueKey = key;
      this.#jobRows = new Map(jobs.map((job) => [job, this.#jobRow(job)]));
      this.#replace(this.#queue, [...this.#jobRows.values()].map(({ row }) => row));
    }
    for (const [job, { state, bar }] of this.#jobRows) {
      setText(state, stateOf(job, nowMs));
      bar.value = job.progress;
    }
  }

  /** @param {import("./unfinished.js").Unfinished[]} files that were under way when the page went */
  showInterrupted(files) {
    const key = files.map((file) => file.key).join("\n");
    if (key === this.#interruptedKey) return;
    this.#interruptedKey = key;
    this.#replace(this.#interrupted, files.map((file) => {
      const name = shownName(file.name);
      const row = document.createElement("li");
      row.className = "file";
      const actions = document.createElement("div");
      actions.className = "file-actions";
      actions.append(
        button("Choose it", `Choose ${name} again`, () => element("choose", HTMLButtonElement).click()),
        button("×", `Put ${name} away`, () => this.#host.putAway(file.key)),
      );
      const state = part("p", "file-state", "Interrupted. Choose it again: its analysis starts anew.");
      row.append(part("bdi", "file-name", name), actions, state);
      return row;
    }));
  }

  /**
   * @param {import("./library.js").Result[]} results @param {number|null} shownId
   * @param {number[]} deleting ids of those whose deletion the daemon has yet to confirm
   * @param {boolean} keepsHistory whether the daemon remembers them
   */
  showResults(results, shownId, deleting, keepsHistory) {
    const key = JSON.stringify([results.map(({ id }) => id), shownId, deleting, keepsHistory]);
    if (key === this.#resultsKey) return;
    this.#resultsKey = key;
    this.#analysedTitle.hidden = results.length === 0;
    this.#empty.hidden = keepsHistory || results.length === 0;
    const rows = results.map((result) => {
      const row = this.#resultRow(result, result.id === shownId);
      if (deleting.includes(result.id)) this.#markDeleting(row);
      return row;
    });
    this.#replace(this.#analysed, rows);
  }

  /**
   * A rebuilt list would lose the keyboard focus.
   * @param {HTMLElement} list @param {HTMLElement[]} rows
   */
  #replace(list, rows) {
    const places = [...list.children];
    const held = places.findIndex((row) => row.contains(document.activeElement));
    const buttons = held < 0 ? [] : [...places[held].querySelectorAll("button")];
    const which = buttons.findIndex((each) => each === document.activeElement);
    list.replaceChildren(...rows);
    if (held < 0) return;
    const row = rows[Math.min(held, rows.length - 1)];
    const next = row?.querySelectorAll("button");
    if (next !== undefined && next.length > 0) next[Math.min(which, next.length - 1)].focus();
    else element("choose", HTMLButtonElement).focus();
  }

  /** @param {import("./job.js").Job} job @returns {JobRow} */
  #jobRow(job) {
    const name = shownName(job.file.name);
    const row = document.createElement("li");
    row.className = "file";
    row.dataset.phase = job.phase;
    const title = part("bdi", "file-name", name);
    const state = part("p", "file-state", "");
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", `Progress of ${name}`);
    bar.hidden = job.phase !== "analysing";
    const actions = document.createElement("div");
    actions.className = "file-actions";
    row.append(title, actions, state, bar);
    if (job.phase === "failed") {
      state.setAttribute("role", "alert");
      actions.append(
        button("Try again", `Try ${name} again`, () => this.#host.retry(job)),
        button("×", `Put ${name} away`, () => this.#host.remove(job)),
      );
    } else {
      if (job.phase === "analysing") actions.append(button("Show", `Show ${name}`, () => this.#host.watch(job)));
      actions.append(button("Cancel", `Cancel ${name}`, () => this.#host.remove(job)));
    }
    return { row, state, bar };
  }

  /** @param {import("./library.js").Result} result @param {boolean} isShown */
  #resultRow(result, isShown) {
    const { id } = result;
    const { word, label } = verdictOf(result);
    const name = shownName(result.name);
    const row = document.createElement("li");
    row.className = "file";
    const select = document.createElement("button");
    select.type = "button";
    select.className = "file-select";
    setAttribute(select, "aria-current", String(isShown));
    const verdict = part("span", "file-label", label === null ? word : "");
    verdict.dataset.label = label ?? "none";
    if (label !== null) verdict.append(glyphElement(label), `${label} ${percent(result.confidence)}`);
    const facts = `${playTime(result.duration)} · ${dayOrTime(result.time)}`;
    select.append(part("bdi", "file-name", name), verdict, part("span", "file-facts", facts));
    select.addEventListener("click", () => this.#host.select(id));
    row.append(select, button("×", `Delete ${name}`, () => this.#host.forget(id)));
    return row;
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
