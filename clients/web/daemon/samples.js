/** Converts sound between the browser's form and the daemon's: one channel of 16-bit samples. */

import { MonoMixer } from "./mono.js";

const FULL_SCALE = 32768;
const QUIETEST_DBFS = -120;

/** @param {AudioBuffer} buffer @returns {Float32Array<ArrayBuffer>} mono, in its first channel */
export function mixDown(buffer) {
  const count = buffer.numberOfChannels;
  const channels = Array.from({ length: count }, (_, number) => buffer.getChannelData(number));
  new MonoMixer(buffer.sampleRate, count).push(channels, channels[0]);
  return channels[0];
}

/**
 * @param {Float32Array} samples with 1 as full scale
 * @returns {Int16Array<ArrayBuffer>} little-endian, as every machine with a browser is
 */
export function toInt16(samples) {
  const whole = new Int16Array(samples.length);
  for (let index = 0; index < samples.length; index += 1) {
    const value = Math.round(samples[index] * FULL_SCALE);
    whole[index] = Math.min(FULL_SCALE - 1, Math.max(-FULL_SCALE, value));
  }
  return whole;
}

/** @param {Float32Array} samples @returns {number} their level in dBFS, -120 at the least */
export function levelDbfs(samples) {
  let power = 0;
  for (const sample of samples) power += sample * sample;
  const level = 10 * Math.log10(power / Math.max(1, samples.length));
  return Math.max(QUIETEST_DBFS, level);
}
