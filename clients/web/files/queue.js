/** Has the dropped files analysed one after the other, in the order in which they came. */

import { Job, keyOf } from "./job.js";

export class Queue {
  /** Those that are not done: waiting, at work, or failed and not yet put away.
   * @type {Job[]} */
  jobs = [];
  /** @type {Job|null} */
  #running = null;
  #daemon;
  #onChange;
  #onDone;

  /**
   * @param {import("../daemon/client-stream.js").Daemon} daemon
   * @param {(job: Job|null) => void} onChange called with the job that has changed, null for the list
   * @param {(fileStream: import("../state/file-stream.js").FileStream, job: Job) => void} onDone
   */
  constructor(daemon, onChange, onDone) {
    this.#daemon = daemon;
    this.#onChange = onChange;
    this.#onDone = onDone;
  }

  /** @returns {Job[]} those that would be lost with the page */
  get unfinished() {
    return this.jobs.filter((job) => !job.isOver);
  }

  /** @param {File} file @returns {boolean} false where it is in the list already */
  add(file) {
    const key = keyOf(file);
    if (this.jobs.some((job) => job.key === key && !job.isOver)) return false;
    // What failed before is tried again in its place.
    this.jobs = this.jobs.filter((job) => job.key !== key);
    this.jobs.push(new Job(file, this.#daemon));
    this.#onChange(null);
    void this.#work();
    return true;
  }

  /** @param {Job} job whether at work, waiting or failed */
  remove(job) {
    job.cancel();
    this.jobs = this.jobs.filter((other) => other !== job);
    this.#onChange(null);
  }

  async #work() {
    if (this.#running !== null) return;
    for (let job = this.#next(); job !== undefined; job = this.#next()) {
      const running = job;
      this.#running = running;
      try {
        await running.run(() => this.#onChange(running));
      } finally {
        this.#running = null;
      }
      if (running.phase === "done" && running.fileStream !== null) {
        this.jobs = this.jobs.filter((other) => other !== running);
        this.#onDone(running.fileStream, running);
      }
      this.#onChange(null);
    }
  }

  #next() {
    return this.jobs.find((job) => job.phase === "waiting");
  }
}
