/** Lists the recorded sessions of the daemon, reads one piece by piece, and has them deleted. */

import { SessionStream } from "../state/session-stream.js";
import { shownName } from "../ui/words.js";

/** Between two pieces: the daemon takes a limited number of messages a second. */
const PAUSE_MS = 5;

/** @typedef {import("../state/session-stream.js").Session} Session */
/**
 * @typedef {object} Reading
 * @property {Session} session
 * @property {SessionStream|null} stream
 * @property {number} after where the next piece begins
 * @property {number} count of pieces that have come
 * @property {import("../state/events.js").EmotionEvent[][]} waiting pieces that are not shown yet
 */

export class Sessions {
  /** Newest first. @type {Session[]} */
  listed = [];
  /** How many there are beyond the list. */
  unlisted = 0;
  /** Their size. */
  unlistedBytes = 0;
  /** Ids of those that the daemon was asked to delete. @type {Set<string>} */
  #deleting = new Set();
  /** @type {Reading|null} */
  #reading = null;
  /** The one that was read last. @type {SessionStream|null} */
  #kept = null;
  /** To be read when the list has come: it grows. @type {string|null} */
  #wanted = null;
  #daemon;
  #page;

  /** @param {import("../daemon/client-stream.js").Daemon} daemon @param {import("./files.js").FilesPage} page */
  constructor(daemon, page) {
    this.#daemon = daemon;
    this.#page = page;
  }

  ask() {
    this.#page.send({ type: "sessions" });
  }

  /** Another daemon may have none. */
  forgetAll() {
    [this.listed, this.unlisted, this.unlistedBytes] = [[], 0, 0];
    this.#deleting.clear();
  }

  /** @param {string} id */
  isDeleting(id) {
    return this.#deleting.has(id);
  }

  /** @param {string} id that the viewer chooses */
  select(id) {
    const session = this.listed.find((each) => each.id === id);
    if (session === undefined) return;
    if (this.#reading?.session.id === id && this.#reading.stream !== null) {
      this.#page.show(this.#reading.stream);
      return;
    }
    const kept = this.#kept;
    if (kept?.session.id === id && kept.session.duration === session.duration && !session.isRecording) {
      this.#page.show(kept);
      return;
    }
    if (session.isRecording) {
      this.#wanted = id;
      this.ask();
    } else {
      this.#read(session);
    }
  }

  /** @param {string} id */
  forget(id) {
    if (this.#page.send({ type: "delete-sessions", ids: [id] })) this.#deleting.add(id);
    else this.#page.say("The daemon does not answer. Nothing was deleted.");
  }

  /** @param {import("../daemon/replies.js").Reply} reply @param {import("../state/stream.js").Stream|null} shown */
  receive(reply, shown) {
    if (reply.type === "sessions") {
      this.#update(reply, shown);
    } else if (reply.type === "session") {
      this.#take(reply);
    } else if (reply.type === "error" && reply.about === "session") {
      this.#stop(reply.detail);
      if (reply.error === "unknown-session") this.ask();
    } else if (reply.type === "error" && reply.about === "delete-sessions") {
      this.#deleting.clear();
    }
  }

  /** The link to the daemon is lost, and with it whatever it had not answered. */
  loseLink() {
    this.#stop("The connection was lost. Choose it again.");
    this.#wanted = null;
    const names = this.listed.filter(({ id }) => this.#deleting.has(id)).map(({ name }) => name);
    this.#deleting.clear();
    if (names.length === 0) return;
    const what = names.length === 1 ? `“${shownName(names[0])}”` : `${names.length} recordings`;
    this.#page.say(`It is not known whether ${what} was deleted. The connection was lost.`);
  }

  /** @param {import("../daemon/replies.js").SessionList} list @param {import("../state/stream.js").Stream|null} shown */
  #update({ sessions, count, bytes }, shown) {
    this.listed = sessions;
    this.unlisted = Math.max(0, count - sessions.length);
    this.unlistedBytes = Math.max(0, bytes - sessions.reduce((sum, each) => sum + each.bytes, 0));
    const known = new Set(sessions.map(({ id }) => id));
    for (const id of this.#deleting) {
      if (known.has(id)) continue;
      this.#deleting.delete(id);
      if (this.#reading?.session.id === id) this.#reading = null;
      if (shown instanceof SessionStream && shown.session.id === id) this.#page.show(null);
    }
    const wanted = sessions.find(({ id }) => id === this.#wanted);
    this.#wanted = null;
    if (wanted !== undefined) this.#read(wanted);
  }

  /** @param {Session} session from its beginning */
  #read(session) {
    this.#reading = { session, stream: null, after: 0, count: 0, waiting: [] };
    if (!this.#page.send({ type: "session", id: session.id })) this.#page.say("The daemon does not answer.");
  }

  /** @param {import("../daemon/replies.js").SessionPiece} piece */
  #take({ id, after, next, events, isDemo }) {
    const reading = this.#reading;
    if (reading === null || reading.session.id !== id || reading.after !== after) return; // of one before
    if (reading.stream === null && (events.length > 0 || next === null)) {
      reading.stream = new SessionStream(reading.session, events, this.#daemon.strideSeconds());
      this.#page.show(reading.stream);
    }
    const { stream } = reading;
    if (stream !== null) stream.isDemo ||= isDemo;
    stream?.foresee(events);
    reading.waiting.push(events);
    reading.count += 1;
    // What is there is shown after 1, 2, 4, … pieces: soon, and at no more than twice the work.
    if (next === null || (reading.count & (reading.count - 1)) === 0) {
      for (const piece of reading.waiting) stream?.take(piece);
      reading.waiting = [];
    }
    if (next !== null) {
      reading.after = next;
      window.setTimeout(() => {
        if (this.#reading === reading) this.#page.send({ type: "session", id, after: next });
      }, PAUSE_MS);
      return;
    }
    stream?.conclude();
    this.#kept = stream;
    this.#reading = null;
  }

  /** @param {string} problem for the viewer */
  #stop(problem) {
    if (this.#reading?.stream) this.#reading.stream.problem = problem;
    this.#reading = null;
  }
}
