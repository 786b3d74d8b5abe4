/** Sends the viewer's own voice: the browser's microphone as a stream of the daemon's. */

import { ClientStream } from "../daemon/client-stream.js";
import { pauseSeconds } from "../daemon/connection.js";
import { levelDbfs, toInt16 } from "../daemon/samples.js";
import { Stream } from "../state/stream.js";
import { Microphone, MicrophoneProblem } from "./microphone.js";

/** @typedef {"off"|"asking"|"starting"|"on"|"waiting"} Phase */

/** What may wait for a slow network before sound is left out: old sound is no live sound. */
const MOST_WAITING_SECONDS = 2;
const BYTES_PER_SAMPLE = 2;
const NAME = "browser";
const UNPLUGGED = "The microphone is gone. Plug it in, then press Speak again.";

export class Voice {
  /** @type {Phase} */
  phase = "off";
  /** Why it is off, for the viewer; "" for no reason. */
  problem = "";
  levelDbfs = -120;
  /** Left out because the network was too slow. */
  droppedSeconds = 0;
  isPublic = false;
  /** What the daemon infers from it. @type {Stream|null} */
  stream = null;
  /** @type {Microphone|null} */
  #microphone = null;
  /** @type {ClientStream|null} */
  #sending = null;
  #attempt = 0;
  #retryTimer = 0;
  #daemon;
  #onChange;

  /**
   * @param {import("../daemon/client-stream.js").Daemon} daemon
   * @param {() => void} onChange
   */
  constructor(daemon, onChange) {
    this.#daemon = daemon;
    this.#onChange = onChange;
  }

  /** @param {string} name @returns {boolean} whether the daemon calls it so */
  isNamed(name) {
    return this.#sending !== null && this.phase === "on" && this.#sending.name === name;
  }

  async start() {
    if (this.phase !== "off") return;
    this.#become("asking", "");
    try {
      const microphone = await Microphone.open(
        (samples) => this.#takeSamples(samples), () => this.#end(UNPLUGGED),
      );
      // It may have been stopped while the browser was asking.
      if (!this.#phaseIs("asking")) {
        microphone.close();
        return;
      }
      this.#microphone = microphone;
      this.#connect();
    } catch (error) {
      if (!(error instanceof MicrophoneProblem)) throw error;
      if (this.#phaseIs("asking")) this.#end(error.message);
    }
  }

  stop() {
    this.#end("");
  }

  /** @param {boolean} isPublic whether all clients of the daemon get the events */
  publish(isPublic) {
    if (isPublic === this.isPublic) return;
    this.isPublic = isPublic;
    // Whether a stream is public is settled when it starts.
    if (this.#microphone !== null) this.#connect();
  }

  /** Ends a wait for the daemon. */
  retryNow() {
    if (this.phase === "waiting") this.#connect();
  }

  /** @param {Phase} phase a separate question: awaiting changes what a field was last seen to be */
  #phaseIs(phase) {
    return this.phase === phase;
  }

  /** @param {Phase} phase @param {string} problem */
  #become(phase, problem) {
    this.phase = phase;
    this.problem = problem;
    this.#onChange();
  }

  /** @param {string} problem */
  #end(problem) {
    window.clearTimeout(this.#retryTimer);
    this.#sending?.close();
    this.#sending = null;
    this.#microphone?.close();
    this.#microphone = null;
    this.stream = null;
    this.#attempt = 0;
    this.droppedSeconds = 0;
    this.#become("off", problem);
  }

  #connect() {
    const microphone = this.#microphone;
    if (microphone === null) return;
    window.clearTimeout(this.#retryTimer);
    this.#sending?.close();
    const sending = new ClientStream(this.#daemon.address, this.#daemon.token(), {
      purpose: "live", sampleRate: microphone.sampleRate, name: this.#freeName(),
      publish: this.isPublic,
    }, (message) => this.#receive(message), (problem) => {
      if (problem.kind === "refused") this.#end(problem.message);
      else this.#wait();
    });
    this.#sending = sending;
    this.#become("starting", "");
    sending.started.then(() => {
      if (this.#sending !== sending) return;
      this.#attempt = 0;
      this.stream ??= this.#newStream(sending.name);
      this.stream.reconnected(true);
      this.#become("on", "");
    }, () => {}); // see onEnd
  }

  /** @returns {string} a name that no other stream has: the daemon refuses to publish two of one */
  #freeName() {
    let name = NAME;
    for (let number = 2; this.#daemon.hasStream(name); number += 1) name = `${NAME} ${number}`;
    return name;
  }

  /** @param {string} name */
  #newStream(name) {
    const stream = new Stream(name, this.#daemon.strideSeconds(), performance.now());
    stream.title = "you";
    return stream;
  }

  #wait() {
    this.#sending = null;
    this.#retryTimer = window.setTimeout(() => this.#connect(), 1000 * pauseSeconds(this.#attempt));
    this.#attempt += 1;
    this.#become("waiting", "");
  }

  /** @param {import("../daemon/client-stream.js").StreamMessage} message */
  #receive(message) {
    if (message.type === "analysis") return;
    this.stream?.apply(message, performance.now());
    if (message.type === "status" && message.status === "ended") {
      this.#end(`The daemon ended your stream. ${message.detail}`);
    } else this.#onChange();
  }

  /** @param {Float32Array} samples */
  #takeSamples(samples) {
    this.levelDbfs = levelDbfs(samples);
    const sending = this.#sending;
    if (sending === null || this.phase !== "on" || this.#microphone === null) return;
    const { sampleRate } = this.#microphone;
    if (sending.waitingBytes > MOST_WAITING_SECONDS * BYTES_PER_SAMPLE * sampleRate) {
      this.droppedSeconds += samples.length / sampleRate;
    } else {
      sending.send(toInt16(samples));
    }
  }
}
