/** Holds the daemon's streams by name, and gives each the events that are its own. */

import { Stream } from "./stream.js";

/** Memory stays bounded: a further stream takes the place of one that has gone, or is left out. */
const MOST_STREAMS = 48;
const GONE_MS = 30_000;

export class Streams {
  /** @type {Map<string, Stream>} */
  #byName = new Map();
  #strideSeconds = 0.25;
  /** @type {import("./events.js").Room[]} the daemons that the page's own one follows */
  rooms = [];

  /** @returns {Stream[]} in the order in which they became known */
  get all() {
    return [...this.#byName.values()];
  }

  /** @param {string} name */
  get(name) {
    return this.#byName.get(name);
  }

  /**
   * @param {string} name @param {number} nowMs @param {number} [strideSeconds]
   * @returns {Stream|null} null where there is no room for another
   */
  #ensure(name, nowMs, strideSeconds) {
    const known = this.#byName.get(name);
    if (known !== undefined && known.events.strideSeconds === (strideSeconds ?? known.events.strideSeconds)) return known;
    this.#byName.delete(name); // buffers are sized by the stride
    if (this.#byName.size >= MOST_STREAMS) {
      const oldest = this.all.reduce((a, b) => (b.lastEventAtMs < a.lastEventAtMs ? b : a));
      if (nowMs - oldest.lastEventAtMs < GONE_MS) return null;
      this.#byName.delete(oldest.name);
    }
    const stream = new Stream(name, strideSeconds ?? this.#strideSeconds, nowMs);
    this.#byName.set(name, stream);
    return stream;
  }

  /**
   * @param {import("./events.js").Message} message
   * @param {number} nowMs
   */
  apply(message, nowMs) {
    if (message.type === "hello") {
      this.#hello(message, nowMs);
      return;
    }
    if (message.type === "rooms") {
      this.#rooms(message.rooms, nowMs);
      return;
    }
    this.#ensure(message.stream, nowMs)?.apply(message, nowMs);
  }

  /** @param {import("./events.js").Room[]} rooms @param {number} nowMs */
  #rooms(rooms, nowMs) {
    this.rooms = rooms;
    for (const stream of this.all.filter((each) => each.room !== null)) {
      if (rooms.some((room) => room.streams.includes(stream.name))) continue;
      stream.isPresent = false;
      if (stream.last === null) this.#byName.delete(stream.name);
    }
    for (const room of rooms) {
      for (const name of room.streams) {
        const stream = this.#ensure(name, nowMs, room.strideSeconds);
        if (stream === null) continue;
        if (stream.room?.state !== room.state) stream.reconnected(true);
        stream.isPresent = true;
        stream.room = room;
      }
    }
  }

  /** @param {import("./events.js").Hello} hello @param {number} nowMs */
  #hello(hello, nowMs) {
    if (hello.strideSeconds !== this.#strideSeconds) {
      // Buffers are sized by the stride: a daemon with another stride starts anew.
      this.#byName.clear();
      this.#strideSeconds = hello.strideSeconds;
    }
    for (const stream of this.all.filter(({ room }) => room === null)) {
      stream.reconnected(hello.streams.includes(stream.name));
      // Streams that ended without an event would fill the list of a long-lived page.
      if (!stream.isPresent && stream.last === null) this.#byName.delete(stream.name);
    }
    for (const name of hello.streams.slice(0, MOST_STREAMS)) {
      const stream = this.#ensure(name, nowMs);
      if (stream !== null) stream.isDemo = hello.demo && (name === "demo" || hello.streams.length === 1);
    }
    if (hello.last !== null) {
      const stream = this.#ensure(hello.last.stream, nowMs);
      stream?.count(hello.last);
      stream?.add(hello.last, nowMs);
    }
  }
}
