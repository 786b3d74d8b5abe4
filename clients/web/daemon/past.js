/**
 * Fetches what the daemon keeps of the shown stream, piece by piece from the newest: only the next
 * piece is ever under way, so that it holds up no event.
 */

/** Between two pieces: the daemon takes a limited number of messages a second. */
const PAUSE_MS = 25;

/** @typedef {import("../state/stream.js").Stream} Stream */

export class Past {
  #find;
  #send;
  /** Those of this connection whose past was asked for. @type {Set<Stream>} */
  #asked = new Set();
  /** Those of this connection that have ended, and were asked about then. @type {Set<Stream>} */
  #looked = new Set();
  /** Those of which the daemon keeps a past. @type {Set<Stream>} */
  #kept = new Set();
  /** What has come of the stream that is being fetched, the newest first.
   * @type {import("../state/events.js").EmotionEvent[][]} */
  #pieces = [];
  /** @type {Stream|null} */
  #fetching = null;

  /**
   * @param {(name: string) => Stream|undefined} find one of the daemon's streams
   * @param {(message: Record<string, unknown>) => boolean} send to the daemon
   */
  constructor(find, send) {
    this.#find = find;
    this.#send = send;
  }

  /** Another connection: the daemon may be another one, and something was missed at any rate. */
  restart() {
    this.#asked.clear();
    this.#kept.clear();
    this.#looked.clear();
    this.#fetching = null;
  }

  /** @param {Stream|null} stream that is shown */
  want(stream) {
    if (stream === null || this.#fetching !== null || this.#asked.has(stream)) return;
    if (!stream.isPresent || this.#find(stream.name) !== stream) return;
    if (!this.#send({ type: "past", stream: stream.name })) return;
    this.#asked.add(stream);
    this.#fetching = stream;
    this.#pieces = [];
  }

  /**
   * Asks for nothing of those that have ended: the daemon no longer knows what a client had sent, and
   * it then goes from the page, too.
   * @param {Stream[]} streams
   */
  lookAfter(streams) {
    const ended = streams.find((stream) => stream.status === "ended" && stream.isPresent
      && this.#find(stream.name) === stream && !this.#looked.has(stream));
    if (ended === undefined || this.#fetching !== null) return;
    if (!this.#send({ type: "past", stream: ended.name, before: 0 })) return;
    this.#looked.add(ended);
    this.#fetching = ended;
    this.#pieces = [];
  }

  /** @param {Stream|null} stream @returns {Stream|null} the stream, if the daemon keeps its past */
  keptOf(stream) {
    return stream !== null && this.#kept.has(stream) ? stream : null;
  }

  /** @param {Stream} stream whose past every visitor of the page loses */
  erase(stream) {
    this.#send({ type: "erase", stream: stream.name });
  }

  /** @param {import("./replies.js").Reply} reply */
  receive(reply) {
    if (reply.type === "erased") {
      const stream = this.#find(reply.stream);
      if (stream === this.#fetching) this.#fetching = null;
      stream?.erase();
      return;
    }
    if (reply.type === "error" && reply.about === "past") {
      if (this.#fetching !== null) this.#fetching.isPresent = false;
      this.#fetching = null;
    }
    const stream = this.#fetching;
    if (reply.type !== "past" || stream === null || reply.stream !== stream.name) return;
    if (reply.hours > 0) this.#kept.add(stream);
    this.#pieces.push(reply.events);
    const isLast = !reply.hasMore || reply.events.length === 0;
    if (!isLast) {
      const before = reply.events[0].seq;
      window.setTimeout(() => {
        if (this.#fetching === stream) this.#send({ type: "past", stream: stream.name, before });
      }, PAUSE_MS);
    }
    // What is there is shown after 1, 2, 4, … pieces: soon, and at no more than twice the work.
    const count = this.#pieces.length;
    if (!isLast && (count & (count - 1)) !== 0) return;
    stream.replacePast([...this.#pieces].reverse().flat(), 3600 * reply.hours);
    if (isLast) {
      this.#fetching = null;
      this.#pieces = [];
    }
  }
}
