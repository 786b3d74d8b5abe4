/**
 * Keeps a WebSocket to the daemon that served the page, and opens it again when it is lost.
 */

import { Inquiry } from "./inquiry.js";
import { parseMessage, parseObject } from "./protocol.js";
import { parseReply } from "./replies.js";
import { Watchdog } from "./watchdog.js";

/**
 * @typedef {object} LinkState
 * @property {"connecting"|"open"|"waiting"|"locked"} phase
 * @property {number} retryInSeconds
 * @property {string} reason why the last try failed, a sentence; "" if that is not known
 */

const FIRST_PAUSE_SECONDS = 0.5;
const LONGEST_PAUSE_SECONDS = 15;
/** The code with which a daemon closes a connection without the right token. */
export const TOKEN_WANTED = 4401;

/**
 * @param {number} attempt 0 for the first try after a loss
 * @returns {number} seconds to wait: doubling, capped, and spread by a fifth so that the pages
 *   of a whole house do not return to a restarted daemon in the same instant
 */
export function pauseSeconds(attempt) {
  const pause = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** attempt);
  return pause * (0.8 + 0.4 * Math.random());
}

/** @param {Location} location @returns {string} the socket's address beside the page's own, under a proxy's path too */
export function socketAddress(location) {
  const address = new URL("ws", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

export class Connection {
  #address;
  #firstMessage;
  #onMessage;
  #onReply;
  #onState;
  /** @type {WebSocket|null} */
  #socket = null;
  /** @type {Watchdog|null} */
  #watchdog = null;
  #attempt = 0;
  #retryTimer = 0;
  #retryAt = 0;
  #inquiry = new Inquiry();
  #reason = "";

  /**
   * @param {string} address
   * @param {() => Record<string, string>} firstMessage
   * @param {(message: import("../state/events.js").Message) => void} onMessage
   * @param {(reply: import("./replies.js").Reply) => void} onReply
   * @param {(state: LinkState) => void} onState called on every change, and each second of a wait
   */
  constructor(address, firstMessage, onMessage, onReply, onState) {
    this.#address = address;
    this.#firstMessage = firstMessage;
    this.#onMessage = onMessage;
    this.#onReply = onReply;
    this.#onState = onState;
    // A network that returns, or a page that becomes visible, is a better hint than a timer.
    window.addEventListener("online", () => this.#doubt());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#doubt();
    });
  }

  open() {
    this.#onState({ phase: "connecting", retryInSeconds: 0, reason: this.#reason });
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    let hasOpened = false;
    this.#watchdog = new Watchdog(socket, () => {
      this.#wait(); // not when it has closed: the browser waits long for the other side's farewell
      socket.close();
    });
    socket.addEventListener("open", () => {
      hasOpened = true;
      this.#reason = "";
      // Even with an empty token: a daemon that wants one then says so at once.
      socket.send(JSON.stringify(this.#firstMessage()));
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket !== socket) return;
      const received = parseObject(data);
      if (received === null) return;
      const reply = parseReply(received);
      if (reply !== null) this.#onReply(reply);
      const message = parseMessage(received);
      if (message === null) return;
      if (message.type === "hello") {
        // Only a message proves that the daemon is there; a proxy may accept and close at once.
        this.#attempt = 0;
        this.#inquiry.reset();
        this.#onState({ phase: "open", retryInSeconds: 0, reason: "" });
      }
      this.#onMessage(message);
    });
    socket.addEventListener("close", ({ code }) => {
      if (this.#socket !== socket) return;
      if (code === TOKEN_WANTED) {
        this.#socket = null;
        this.#watchdog = null;
        this.#onState({ phase: "locked", retryInSeconds: 0, reason: "" });
      } else {
        if (!hasOpened) this.#inquire();
        this.#wait();
      }
    });
  }

  /** @param {Record<string, unknown>} message @returns {boolean} whether the daemon is there to get it */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Ends a wait at once; does nothing while connected or connecting. */
  retryNow() {
    if (this.#retryTimer === 0) return;
    window.clearInterval(this.#retryTimer);
    this.#retryTimer = 0;
    this.open();
  }

  /** Tries again at once, or asks whether the connection still holds. */
  #doubt() {
    this.retryNow();
    this.#watchdog?.suspect();
  }

  async #inquire() {
    const reason = await this.#inquiry.ask(this.#address);
    if (this.#socket?.readyState === WebSocket.OPEN) return; // it was a try before this one
    this.#reason = reason;
    if (this.#retryTimer !== 0) this.#tick();
  }

  #wait() {
    this.#socket = null;
    this.#watchdog = null;
    this.#retryAt = performance.now() + 1000 * pauseSeconds(this.#attempt);
    this.#attempt += 1;
    this.#tick();
    this.#retryTimer = window.setInterval(() => this.#tick(), 250);
  }

  #tick() {
    const remaining = (this.#retryAt - performance.now()) / 1000;
    if (remaining <= 0) this.retryNow();
    else this.#onState({ phase: "waiting", retryInSeconds: Math.ceil(remaining), reason: this.#reason });
  }
}
