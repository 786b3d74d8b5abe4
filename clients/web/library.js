/**
 * The analysed files: those that the daemon remembers, and those of this visit, whose sound and
 * timeline are still at hand.
 */

/** Timelines that are held; the daemon is asked again for an older one. */
const MOST_HELD = 24;

/** @typedef {import("./replies.js").Result & {id: number}} Result */

/** @param {import("./replies.js").Result} result @returns {result is Result} */
const hasId = (result) => result.id !== null;

export class Library {
  /** Newest first.
   * @type {Result[]} */
  results = [];
  /** @type {Map<number, import("./recording.js").Recording>} the last used one at the end */
  #recordings = new Map();
  /** @type {Map<number, File>} */
  #files = new Map();
  /** @type {Map<string, number>} ids by the keys of their files */
  #ids = new Map();
  #lastOwnId = 0;

  /** @param {import("./replies.js").Result[]} files what the daemon remembers, newest first */
  remember(files) {
    const own = this.results.filter(({ id }) => id < 0);
    this.results = [...files.filter(hasId), ...own].sort((a, b) => b.time - a.time);
    const known = new Set(this.results.map(({ id }) => id));
    for (const id of this.#recordings.keys()) if (!known.has(id)) this.#drop(id);
  }

  /**
   * @param {import("./recording.js").Recording} recording newly analysed
   * @param {import("./replies.js").Result} result @param {string} key of its file
   */
  add(recording, result, key) {
    // A daemon that keeps no history gives no id: the page has to tell its results apart.
    if (result.id === null) this.#lastOwnId -= 1;
    const id = result.id ?? this.#lastOwnId;
    this.results = [{ ...result, id }, ...this.results.filter((other) => other.id !== id)];
    if (recording.file !== null) this.#files.set(id, recording.file);
    this.#ids.set(key, id);
    this.hold(id, recording);
  }

  /** @param {number} id @param {import("./recording.js").Recording} recording */
  hold(id, recording) {
    recording.file = recording.file ?? this.#files.get(id) ?? null;
    this.#recordings.set(id, recording);
    const oldest = [...this.#recordings.keys()].find((other) => other > 0);
    if (this.#recordings.size > MOST_HELD && oldest !== undefined) this.#recordings.delete(oldest);
  }

  /** @param {number} id @returns {import("./recording.js").Recording|null} if it is at hand */
  recording(id) {
    return this.#recordings.get(id) ?? null;
  }

  /** @param {import("./recording.js").Recording|null} recording @returns {number|null} */
  idOf(recording) {
    return [...this.#recordings].find(([, held]) => held === recording)?.[0] ?? null;
  }

  /** @param {string} key of a file @returns {number|null} its result's id, if it has been analysed */
  idFor(key) {
    return this.#ids.get(key) ?? null;
  }

  /** @param {number} id */
  forget(id) {
    this.results = this.results.filter((result) => result.id !== id);
    this.#drop(id);
  }

  /** @param {number} id */
  #drop(id) {
    this.#recordings.delete(id);
    this.#files.delete(id);
    for (const [key, other] of this.#ids) if (other === id) this.#ids.delete(key);
  }
}
