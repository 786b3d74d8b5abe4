/**
 * Lists the analysed files: those that the daemon remembers, and those of this visit, whose sound
 * and timeline are still at hand.
 */

/** Timelines that are cached; the daemon is asked again for an older one. */
const MOST_CACHED = 24;

/** @typedef {import("../state/file-stream.js").Result & {id: number}} Result */

/**
 * @typedef {object} Cached what this page has of a result
 * @property {number} time of the analysis: a daemon with another history counts its own ids
 * @property {string} key of the file, "" where it is not known
 * @property {File|null} file
 * @property {import("../state/file-stream.js").FileStream|null} fileStream
 */

/** @param {import("../state/file-stream.js").Result} result @returns {result is Result} */
const hasId = (result) => result.id !== null;

export class Library {
  /** Newest first.
   * @type {Result[]} */
  results = [];
  /** By the results' ids, the last used one at the end.
   * @type {Map<number, Cached>} */
  #cached = new Map();
  /** Ids that the daemon was asked to delete, in that order, and still has as far as is known.
   * @type {Set<number>} */
  #deleting = new Set();
  #lastOwnId = 0;

  /**
   * @param {import("../state/file-stream.js").Result[]} files what the daemon remembers
   * @returns {Result[]} what was to be deleted, and now is
   */
  update(files) {
    const known = new Set(files.map(({ id }) => id));
    const deleted = this.results.filter(({ id }) => this.#deleting.has(id) && !known.has(id));
    for (const { id } of deleted) this.#deleting.delete(id);
    const own = this.results.filter(({ id }) => id < 0);
    this.results = [...files.filter(hasId), ...own].sort((a, b) => b.time - a.time);
    const times = new Map(this.results.map(({ id, time }) => [id, time]));
    for (const [id, { time }] of this.#cached) if (times.get(id) !== time) this.#cached.delete(id);
    return deleted;
  }

  /**
   * @param {import("../state/file-stream.js").FileStream} fileStream newly analysed
   * @param {import("../state/file-stream.js").Result} result @param {string} key of its file
   */
  add(fileStream, result, key) {
    // A daemon that keeps no history gives no id: the page has to distinguish its results.
    if (result.id === null) this.#lastOwnId -= 1;
    const id = result.id ?? this.#lastOwnId;
    this.results = [{ ...result, id }, ...this.results.filter((other) => other.id !== id)];
    this.#cached.set(id, { time: result.time, key, file: fileStream.file, fileStream });
    this.#evict();
  }

  /** @param {number} id @param {import("../state/file-stream.js").FileStream} fileStream that has come again */
  cache(id, fileStream) {
    const { key = "", file = null } = this.#cached.get(id) ?? {};
    fileStream.file = file;
    this.#cached.delete(id);
    this.#cached.set(id, { time: fileStream.result?.time ?? 0, key, file, fileStream });
    this.#evict();
  }

  /** @param {number} id @returns {import("../state/file-stream.js").FileStream|null} if it is at hand */
  fileStream(id) {
    return this.#cached.get(id)?.fileStream ?? null;
  }

  /** @param {import("../state/file-stream.js").FileStream|null} fileStream @returns {number|null} */
  idOf(fileStream) {
    if (fileStream === null) return null;
    return [...this.#cached].find(([, cached]) => cached.fileStream === fileStream)?.[0] ?? null;
  }

  /** @param {string} key of a file @returns {number|null} its result's id, if it is there to stay */
  idFor(key) {
    return [...this.#cached].find(([id, cached]) => cached.key === key && !this.#deleting.has(id))?.[0] ?? null;
  }

  /** @param {number} id of a result that stays until the daemon no longer has it */
  markDeleting(id) {
    this.#deleting.add(id);
  }

  /** @param {number} id */
  isDeleting(id) {
    return this.#deleting.has(id);
  }

  /** The daemon has refused: it answers in the order in which it was asked. */
  keepFirstDeleting() {
    for (const id of [...this.#deleting].slice(0, 1)) this.#deleting.delete(id);
  }

  /** @returns {Result[]} what is no longer about to be deleted: it is not known whether it was */
  keepAllDeleting() {
    const kept = this.results.filter(({ id }) => this.#deleting.has(id));
    this.#deleting.clear();
    return kept;
  }

  /** @param {number} id of a result that this page alone has */
  forget(id) {
    this.results = this.results.filter((result) => result.id !== id);
    this.#cached.delete(id);
  }

  /** Drops the oldest timelines that can be had again; the files themselves cost nothing. */
  #evict() {
    const whole = [...this.#cached].filter(([id, { fileStream }]) => id > 0 && fileStream !== null);
    for (const [, cached] of whole.slice(0, -MOST_CACHED)) cached.fileStream = null;
  }
}
