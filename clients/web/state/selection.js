/** Decides what the page shows: one of the daemon's streams, the viewer's own voice, or a file. */

import { FileStream } from "./file-stream.js";
import { Streams } from "./streams.js";

/** @typedef {import("./stream.js").Stream} Stream */

/** @param {string} hash @returns {string|null} the stream that an address asks for */
function wantedBy(hash) {
  try {
    return hash.startsWith("#stream=") ? decodeURIComponent(hash.slice("#stream=".length)) : null;
  } catch {
    return null;
  }
}

export class Selection {
  /** @type {Stream|null} */
  shown = null;
  #streams = new Streams();
  /** @type {FileStream|null} the one that was looked at last stays within reach */
  #fileStream = null;
  /** @type {Stream|null} what the viewer picked since the daemon was found */
  #picked = null;
  /** @type {string|null} what the viewer asked for at any time, which may not exist yet */
  #wanted = wantedBy(window.location.hash);
  /** @type {import("./events.js").Hello|null} */
  #hello = null;
  /** @type {Stream|null} */
  #ownBefore = null;
  #own;
  #isOwn;
  #onShow;

  /**
   * @param {() => Stream|null} own the viewer's own voice, null while it is off
   * @param {(name: string) => boolean} isOwn whether the daemon calls the viewer's own voice so
   * @param {(stream: Stream|null) => void} onShow called when another one is shown
   */
  constructor(own, isOwn, onShow) {
    this.#own = own;
    this.#isOwn = isOwn;
    this.#onShow = onShow;
  }

  /** @returns {Stream[]} all that can be chosen */
  get all() {
    const more = [this.#own(), this.#fileStream].filter((stream) => stream !== null);
    // A published voice is one of the daemon's streams, too.
    return [...this.#streams.all.filter(({ name }) => !this.#isOwn(name)), ...more];
  }

  /** @returns {import("./events.js").Room[]} the daemons that the page's own one follows */
  get rooms() {
    return this.#streams.rooms;
  }

  /** @param {string} name @returns {Stream|undefined} one of the daemon's streams */
  find(name) {
    return this.#isOwn(name) ? undefined : this.#streams.get(name);
  }

  /** @param {import("./events.js").Message} message @param {number} nowMs */
  receive(message, nowMs) {
    this.#streams.apply(message, nowMs);
    if (message.type === "hello") {
      this.#hello = message;
      // What is not the daemon's stays chosen when the daemon comes back.
      if (this.#picked !== this.#fileStream && this.#picked !== this.#own()) this.#picked = null;
    }
    this.settle();
  }

  /** @param {Stream} stream that the viewer picks */
  pick(stream) {
    this.#picked = stream;
    if (this.#streams.get(stream.name) === stream) {
      this.#wanted = stream.name;
      window.history.replaceState(null, "", `#stream=${encodeURIComponent(stream.name)}`);
    }
    this.settle();
  }

  /** @param {FileStream|null} fileStream null puts the one that is shown away */
  show(fileStream) {
    this.#fileStream = fileStream;
    this.#picked = fileStream;
    this.settle();
  }

  /**
   * Shows what was picked; else the wanted stream, or the daemon's default one until the wanted
   * one appears. One that a restarted daemon no longer has is shown only if the viewer picks it then,
   * to look back. A voice that begins is shown at once.
   */
  settle() {
    const own = this.#own();
    if (own !== this.#ownBefore) {
      if (own !== null) this.#picked = own;
      else if (this.#picked === this.#ownBefore) this.#picked = null;
      this.#ownBefore = own;
    }
    const next = this.#picked ?? this.#present(this.#wanted) ?? this.#present(this.shown?.name)
      ?? this.#present(this.#hello?.last?.stream) ?? this.#present(this.#hello?.streams[0])
      ?? this.#streams.all[0] ?? null;
    if (next === this.shown) return;
    this.shown = next;
    this.#onShow(next);
  }

  /** @param {string|null|undefined} name @returns {Stream|null} the daemon's stream, if it has it */
  #present(name) {
    const stream = typeof name === "string" ? this.#streams.get(name) : undefined;
    return stream?.isPresent ? stream : null;
  }
}
