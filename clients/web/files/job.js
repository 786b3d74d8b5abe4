/** Takes one file through decoding and the daemon to a result. */

import { ClientStream, StreamProblem } from "../daemon/client-stream.js";
import { FileStream } from "../state/file-stream.js";
import { FileProblem, SAMPLE_RATE, decode } from "./decode.js";

/** @typedef {"waiting"|"decoding"|"analysing"|"done"|"failed"|"cancelled"} Phase */

/** What may wait in the browser while the daemon is busy. */
const MOST_WAITING_BYTES = 256 * 1024;
/** Before that a guess at the time left would be wild. */
const GUESS_AFTER_SECONDS = 0.5;

/** @param {File} file @returns {string} equal for a file that is dropped again */
export const keyOf = (file) => JSON.stringify([file.name, file.size, file.lastModified]);

export class Job {
  /** @type {Phase} */
  phase = "waiting";
  /** Why it failed, for the viewer. */
  problem = "";
  /** @type {FileStream|null} from the moment on when its length is known */
  fileStream = null;
  /** Unix time at which it was taken, in seconds. */
  since = Date.now() / 1000;
  /** @type {ClientStream|null} */
  #stream = null;
  #sentSinceMs = 0;
  /** @type {(problem: StreamProblem) => void} */
  #giveUp = () => {};
  #daemon;

  /** @param {File} file @param {import("../daemon/client-stream.js").Daemon} daemon */
  constructor(file, daemon) {
    this.file = file;
    this.key = keyOf(file);
    this.#daemon = daemon;
  }

  get isOver() {
    return this.phase === "done" || this.phase === "failed" || this.phase === "cancelled";
  }

  get progress() {
    return this.fileStream?.progress ?? 0;
  }

  /** @param {number} nowMs @returns {number|null} a guess, null while there is none */
  secondsLeft(nowMs) {
    const passed = (nowMs - this.#sentSinceMs) / 1000;
    const { progress } = this;
    if (this.phase !== "analysing" || progress === 0 || passed < GUESS_AFTER_SECONDS) return null;
    return (passed * (1 - progress)) / progress;
  }

  cancel() {
    if (!this.isOver) this.phase = "cancelled";
    this.#stream?.close();
    this.#giveUp(new StreamProblem("", "lost"));
  }

  /**
   * @param {() => void} onChange called on every change of phase
   * @returns {Promise<void>} when it is over, whatever came of it
   */
  async run(onChange) {
    try {
      this.phase = "decoding";
      onChange();
      const samples = await decode(this.file, this.#daemon.mostFileSeconds());
      if (samples.length === 0) throw new FileProblem("It contains no sound.");
      if (!this.isOver) await this.#analyse(samples, onChange);
    } catch (error) {
      if (this.phase !== "cancelled") {
        this.phase = "failed";
        // Running out of memory is no bug either: after any error, the next file is processed.
        this.problem = error instanceof Error ? error.message : String(error);
        if (this.fileStream !== null) this.fileStream.problem = this.problem;
      }
    } finally {
      this.#stream?.close();
      onChange();
    }
  }

  /** @param {Int16Array<ArrayBuffer>} samples @param {() => void} onChange */
  async #analyse(samples, onChange) {
    const seconds = samples.length / SAMPLE_RATE;
    const fileStream = new FileStream(this.file.name, this.#daemon.strideSeconds(), seconds);
    fileStream.file = this.file;
    /** @type {(result: import("../state/file-stream.js").Result) => void} */
    let found = () => {};
    const result = new Promise((/** @type {typeof found} */ resolve, reject) => {
      found = resolve;
      this.#giveUp = reject;
    });
    result.catch(() => {}); // it may be lost while samples are still being sent
    const stream = new ClientStream(this.#daemon.address, this.#daemon.token(), {
      purpose: "file", sampleRate: SAMPLE_RATE, name: this.file.name, seconds,
    }, (message) => {
      if (message.type === "analysis") found(message.result);
      else fileStream.apply(message, performance.now());
    }, (problem) => this.#giveUp(problem));
    this.#stream = stream;
    await stream.started;
    this.fileStream = fileStream;
    this.phase = "analysing";
    this.#sentSinceMs = performance.now();
    onChange();
    const most = Math.max(1, Math.floor(this.#daemon.mostMessageBytes() / samples.BYTES_PER_ELEMENT));
    for (let sent = 0; sent < samples.length && !stream.isOver; sent += most) {
      await stream.drained(MOST_WAITING_BYTES);
      stream.send(samples.subarray(sent, sent + most));
    }
    stream.finish();
    fileStream.result = await result;
    this.phase = "done";
  }
}
