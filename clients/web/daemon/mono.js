/**
 * The rule of mono: the mean of the channels, or the loudest where they cancel each other.
 *
 * This is the one place of the rule in the page, for files and for the microphone. Its twin in
 * Python, with the reasons, is `dsp/mono.py`; a test compares the two.
 */

const FRAME_SECONDS = 0.01;
const MEMORY_SECONDS = 0.5;
/** Shares of the power that the mean of independent channels would have. */
const CANCELS_BELOW = 0.1;
const CANCELS_NO_MORE_ABOVE = 0.4;
/** The chosen channel stays above this share of the power of the loudest. */
const KEPT_ABOVE = 0.25;

export class MonoMixer {
  #frame;
  #fading = Math.exp(-FRAME_SECONDS / MEMORY_SECONDS);
  #power;
  #meanPower = 0;
  #framePower;
  #frameMeanPower = 0;
  /** Samples up to the next whole frame. */
  #missing;
  /** The channel that stands for all, -1 for the mean. */
  #chosen = -1;

  /** @param {number} sampleRate in Hz @param {number} channels their number */
  constructor(sampleRate, channels) {
    this.channels = channels;
    this.#frame = Math.ceil(FRAME_SECONDS * sampleRate);
    this.#missing = this.#frame;
    this.#power = new Float64Array(channels);
    this.#framePower = new Float64Array(channels);
  }

  /**
   * Mixes the next samples, in blocks of any size.
   * @param {ArrayLike<number>[]} channels
   * @param {Float32Array} mono receives them; it may be one of the channels
   */
  push(channels, mono) {
    const [first] = channels;
    if (channels.length === 1) {
      if (mono !== first) mono.set(first);
      return;
    }
    for (let index = 0; index < mono.length; index += 1) {
      let sum = 0;
      for (let number = 0; number < channels.length; number += 1) {
        const value = channels[number][index];
        sum += value;
        this.#framePower[number] += value * value;
      }
      const mean = sum / channels.length;
      this.#frameMeanPower += mean * mean;
      mono[index] = this.#chosen < 0 ? mean : channels[this.#chosen][index];
      this.#missing -= 1;
      if (this.#missing === 0) this.#choose();
    }
  }

  #choose() {
    this.#missing = this.#frame;
    this.#meanPower = this.#fading * this.#meanPower + this.#frameMeanPower;
    this.#frameMeanPower = 0;
    let [sum, loudest] = [0, 0];
    for (let number = 0; number < this.channels; number += 1) {
      this.#power[number] = this.#fading * this.#power[number] + this.#framePower[number];
      this.#framePower[number] = 0;
      sum += this.#power[number];
      if (this.#power[number] > this.#power[loudest]) loudest = number;
    }
    const independent = sum / this.channels ** 2;
    const share = this.#chosen < 0 ? CANCELS_BELOW : CANCELS_NO_MORE_ABOVE;
    if (this.#meanPower >= share * independent) this.#chosen = -1;
    else if (this.#chosen < 0 || this.#power[this.#chosen] < KEPT_ABOVE * this.#power[loudest]) {
      this.#chosen = loudest;
    }
  }
}
