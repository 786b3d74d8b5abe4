/** Collects samples into blocks, beside the page in the browser's sound thread. */

import { MonoMixer } from "../daemon/mono.js";

const BLOCK_SECONDS = 0.05;
/** A browser gives 128 samples; a later one may give more. */
const MOST_AT_ONCE = 16_384;

class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(Math.round(BLOCK_SECONDS * sampleRate));
  #filled = 0;
  #mono = new Float32Array(MOST_AT_ONCE);
  #mixer = new MonoMixer(sampleRate, 1);

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    if (channels.length === 0) return true;
    // The number of channels changes with what is connected.
    if (channels.length !== this.#mixer.channels) this.#mixer = new MonoMixer(sampleRate, channels.length);
    const mono = this.#mono.subarray(0, channels[0].length);
    this.#mixer.push(channels, mono);
    for (const sample of mono) {
      this.#block[this.#filled] = sample;
      this.#filled += 1;
      if (this.#filled === this.#block.length) {
        this.port.postMessage(this.#block);
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
