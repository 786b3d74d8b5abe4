/**
 * Notices a connection that is half open: after a suspend or a change of networks, neither side
 * gets an error, and a browser waits for minutes.
 */

/** Without any message for so long, the daemon is asked for a sign of life … */
const QUIET_MS = 4000;
/** … and has so long to give one. A connection that does not open has both. */
const ANSWER_MS = 4000;
const LOOK_MS = 500;

export class Watchdog {
  #socket;
  #onDead;
  #heardAtMs = performance.now();
  #askedAtMs = NaN;
  #timer;

  /** @param {WebSocket} socket @param {() => void} onDead called once, if nothing comes any more */
  constructor(socket, onDead) {
    this.#socket = socket;
    this.#onDead = onDead;
    this.#timer = window.setInterval(() => this.#look(), LOOK_MS);
    socket.addEventListener("open", () => this.#hear());
    socket.addEventListener("message", () => this.#hear());
    socket.addEventListener("close", () => this.stop());
  }

  stop() {
    window.clearInterval(this.#timer);
  }

  /** Asks at once: there is reason to believe that the network has changed. */
  suspect() {
    if (Number.isNaN(this.#askedAtMs)) this.#ask();
  }

  #hear() {
    this.#heardAtMs = performance.now();
    this.#askedAtMs = NaN;
  }

  #ask() {
    // The daemon answers pong.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send('{"type":"ping"}');
    this.#askedAtMs = performance.now();
  }

  #look() {
    const nowMs = performance.now();
    if (Number.isNaN(this.#askedAtMs)) {
      if (nowMs - this.#heardAtMs >= QUIET_MS) this.#ask();
    } else if (nowMs - this.#askedAtMs >= ANSWER_MS) {
      this.stop();
      this.#onDead();
    }
  }
}
