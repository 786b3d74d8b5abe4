/** Shows the files that are on their way. */

import { element, part, setText } from "../ui/dom.js";
import { plainButton, replaceRows } from "../ui/rows.js";
import { duration, percent, shownName } from "../ui/words.js";

/**
 * @typedef {object} FilesHost what the panel's buttons do
 * @property {(job: import("./job.js").Job) => void} remove cancels, or puts a failure away
 * @property {(job: import("./job.js").Job) => void} retry
 * @property {(job: import("./job.js").Job) => void} watch
 * @property {(key: string) => void} putAway an interrupted one
 */

/** @typedef {{row: HTMLElement, state: HTMLElement, bar: HTMLProgressElement}} JobRow */

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

const choose = () => element("choose", HTMLButtonElement);

export class FilesPanel {
  #queue = element("queue", HTMLElement);
  #interrupted = element("interrupted", HTMLElement);
  /** @type {Map<import("./job.js").Job, JobRow>} */
  #jobRows = new Map();
  #queueKey = "";
  #interruptedKey = "";
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
      replaceRows(this.#queue, [...this.#jobRows.values()].map(({ row }) => row), choose);
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
    replaceRows(this.#interrupted, files.map((file) => {
      const name = shownName(file.name);
      const row = document.createElement("li");
      row.className = "file";
      const actions = document.createElement("div");
      actions.className = "file-actions";
      actions.append(
        plainButton("Choose it", `Choose ${name} again`, () => choose().click()),
        plainButton("×", `Put ${name} away`, () => this.#host.putAway(file.key)),
      );
      const state = part("p", "file-state", "Interrupted. Choose it again: its analysis starts anew.");
      row.append(part("bdi", "file-name", name), actions, state);
      return row;
    }), choose);
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
        plainButton("Try again", `Try ${name} again`, () => this.#host.retry(job)),
        plainButton("×", `Put ${name} away`, () => this.#host.remove(job)),
      );
    } else {
      if (job.phase === "analysing") actions.append(plainButton("Show", `Show ${name}`, () => this.#host.watch(job)));
      actions.append(plainButton("Cancel", `Cancel ${name}`, () => this.#host.remove(job)));
    }
    return { row, state, bar };
  }
}
