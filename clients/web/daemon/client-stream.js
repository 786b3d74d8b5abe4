/**
 * Sends sound from this page to the daemon over a socket of its own: an upload that the daemon
 * reads only as fast as it analyses then never holds up events, and closing the socket ends
 * everything.
 */

import { TOKEN_WANTED } from "./connection.js";
import { Inquiry } from "./inquiry.js";
import { parseMessage, parseObject } from "./protocol.js";
import { parseReply } from "./replies.js";
import { Watchdog } from "./watchdog.js";

/**
 * @typedef {object} Start
 * @property {"live"|"file"} purpose
 * @property {number} sampleRate in Hz
 * @property {string} name
 * @property {number} [seconds] how long a file lasts
 * @property {boolean} [publish] whether all clients of the daemon get its events
 */

/**
 * @typedef {object} Daemon what a sender of audio has to know about it
 * @property {string} address of its WebSocket
 * @property {() => string} token
 * @property {() => number} mostFileSeconds
 * @property {() => number} mostMessageBytes
 * @property {() => number} strideSeconds
 * @property {(name: string) => boolean} hasStream whether a public stream of this name goes on
 */

/** @typedef {import("../state/events.js").StreamEvent|import("./replies.js").Analysis} StreamMessage */

/** Why the daemon or the network ended it. Its message is shown as it is. */
export class StreamProblem extends Error {
  /** @param {string} message @param {"refused"|"lost"} kind refused by the daemon, or cut off */
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}

const LOST = "The connection to the daemon was lost.";
/** Closing codes after which another try would end in the same way. */
const REFUSALS = [1007, 1008, 1009];
const LONGEST_NAME = 200;
const LOOK_MS = 15;

export class ClientStream {
  #socket;
  #watchdog;
  /** The daemon's name for it, "" before it has started. */
  name = "";
  #onMessage;
  #onEnd;
  /** @type {(name: string) => void} */
  #resolve = () => {};
  /** @type {(problem: StreamProblem) => void} */
  #reject = () => {};
  #ended = false;

  /**
   * @param {string} address of the daemon's WebSocket
   * @param {string} token "" for none
   * @param {Start} start
   * @param {(message: StreamMessage) => void} onMessage called with the daemon's messages about this stream
   * @param {(problem: StreamProblem) => void} onEnd called once, if it ends without having been closed
   */
  constructor(address, token, start, onMessage, onEnd) {
    this.#onMessage = onMessage;
    this.#onEnd = onEnd;
    /** Resolves when the daemon takes sound; rejects with a StreamProblem. */
    this.started = new Promise((/** @type {(name: string) => void} */ resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.started.catch(() => {}); // a caller that does not wait gets the error by onEnd
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#watchdog = new Watchdog(socket, () => this.#end(LOST, "lost"));
    let hasOpened = false;
    socket.addEventListener("open", () => {
      hasOpened = true;
      socket.send(JSON.stringify({ type: "auth", token }));
      socket.send(JSON.stringify({
        type: "start", purpose: start.purpose, sample_rate: start.sampleRate, format: "s16le",
        name: [...start.name].slice(0, LONGEST_NAME).join(""), publish: start.publish ?? false,
        ...(start.seconds === undefined ? {} : { duration: start.seconds }),
      }));
    });
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code, reason }) => {
      if (code === TOKEN_WANTED) this.#end("The daemon needs its token first.", "refused");
      else if (REFUSALS.includes(code)) this.#end(`The daemon closed the connection: ${reason}.`, "refused");
      else if (hasOpened) this.#end(LOST, "lost");
      else new Inquiry().ask(address).then((reason) => this.#end(reason || LOST, "lost"));
    });
  }

  get isOver() {
    return this.#ended;
  }

  /** Bytes that the network has not taken yet. */
  get waitingBytes() {
    return this.#socket.bufferedAmount;
  }

  /** @param {Int16Array<ArrayBuffer>} samples */
  send(samples) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(samples);
  }

  /** @param {number} mostBytes @returns {Promise<void>} when no more than that waits, or all is over */
  async drained(mostBytes) {
    while (this.waitingBytes > mostBytes && !this.#ended) {
      // Sockets have no event for this.
      await new Promise((resolve) => { window.setTimeout(resolve, LOOK_MS); });
    }
  }

  /** Ends the audio: the daemon finishes and sends the result. */
  finish() {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send('{"type":"end"}');
  }

  /** Ends the stream at once. Audio that was not analysed yet is discarded. */
  close() {
    this.#ended = true;
    this.#watchdog.stop();
    this.#reject(new StreamProblem(LOST, "lost"));
    this.#socket.close();
  }

  /** @param {string} message @param {"refused"|"lost"} kind */
  #end(message, kind) {
    if (this.#ended) return;
    const problem = new StreamProblem(message, kind);
    this.#reject(problem);
    this.close();
    this.#onEnd(problem);
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.#ended) return;
    const received = parseObject(data);
    const reply = received && parseReply(received);
    if (reply?.type === "started") {
      this.name = reply.stream;
      this.#resolve(reply.stream);
    } else if (reply?.type === "error") {
      this.#end(reply.detail, "refused");
    } else if (reply?.type === "analysis") {
      this.#onMessage(reply);
    } else if (received !== null && this.name !== "") {
      const message = parseMessage(received);
      // The public streams come over this socket, too.
      if (message !== null && message.type !== "hello" && message.stream === this.name) this.#onMessage(message);
    }
  }
}
