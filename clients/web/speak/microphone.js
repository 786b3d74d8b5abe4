/** Opens the browser's own microphone, as it is: nothing cancelled, cleaned or levelled. */

const CONSTRAINTS = Object.freeze({
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
});

const INSECURE = "Browsers allow the microphone only over HTTPS or on the same machine. "
  + "Start the daemon with --tls-cert and --tls-key, or use a tunnel: "
  + "ssh -L 8765:127.0.0.1:8765 HOST, then open http://127.0.0.1:8765/";

/** @type {Readonly<Record<string, string>>} */
const REFUSALS = Object.freeze({
  NotAllowedError: "The microphone is blocked. Allow it for this page, beside the address in the "
    + "browser or in the system’s settings, then press Speak again.",
  NotFoundError: "No microphone found. Plug one in, then press Speak again.",
  NotReadableError: "The microphone does not open. Another program may use it: close that, then "
    + "press Speak again.",
});

/** Its message says what the viewer can do. */
export class MicrophoneProblem extends Error {}

/** @param {unknown} error @returns {MicrophoneProblem} */
function problemOf(error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new MicrophoneProblem(REFUSALS[name] ?? `The microphone does not open: ${message}`);
}

export class Microphone {
  #context;
  #tracks;

  /** @param {AudioContext} context @param {MediaStreamTrack[]} tracks */
  constructor(context, tracks) {
    this.#context = context;
    this.#tracks = tracks;
  }

  /** In Hz: the device's own, which the daemon brings to its own rate. */
  get sampleRate() {
    return this.#context.sampleRate;
  }

  close() {
    for (const track of this.#tracks) track.stop();
    void this.#context.close();
  }

  /**
   * Asks for the microphone and begins to listen.
   * @param {(samples: Float32Array) => void} onBlock called twenty times a second
   * @param {() => void} onLost called when the device goes away
   * @returns {Promise<Microphone>}
   * @throws {MicrophoneProblem}
   */
  static async open(onBlock, onLost) {
    if (!window.isSecureContext || navigator.mediaDevices === undefined) throw new MicrophoneProblem(INSECURE);
    /** @type {MediaStreamTrack[]} */
    let tracks = [];
    // Before anything is waited for: a browser starts sound only while it handles a click.
    const context = new AudioContext();
    try {
      const media = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
      tracks = media.getAudioTracks();
      await context.audioWorklet.addModule(new URL("./capture-worklet.js", import.meta.url).href);
      const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
      capture.port.addEventListener("message", ({ data }) => onBlock(data));
      capture.port.start();
      context.createMediaStreamSource(media).connect(capture);
      await context.resume();
    } catch (error) {
      new Microphone(context, tracks).close();
      throw problemOf(error);
    }
    for (const track of tracks) track.addEventListener("ended", onLost);
    return new Microphone(context, tracks);
  }
}
