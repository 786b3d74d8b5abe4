/** Collects samples into blocks, beside the page in the browser's sound thread. */

const BLOCK_SECONDS = 0.05;

class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(Math.round(BLOCK_SECONDS * sampleRate));
  #filled = 0;

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    const length = channels[0]?.length ?? 0;
    for (let index = 0; index < length; index += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[index];
      this.#block[this.#filled] = sum / channels.length;
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
