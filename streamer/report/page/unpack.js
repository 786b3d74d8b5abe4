/** Reads what the report holds: what is said of each track, and the events of all, in columns. */

import { element } from "../../../clients/web/ui/dom.js";

/**
 * @typedef {object} TrackAbout
 * @property {string} name a file's path as it was given, or a stream's name
 * @property {string|null} speaker
 * @property {number|null} channel
 * @property {boolean} isSession
 * @property {boolean} hasClock whether its positions have a time of day
 * @property {boolean} isDemo
 * @property {number} originSeconds the stream's second at which the track begins
 * @property {number} durationSeconds
 * @property {number} strideSeconds
 * @property {number} count of its events
 * @property {number|null} sound its number; null without one
 */

/**
 * @typedef {object} About
 * @property {string} version of emotiond
 * @property {number} made Unix time, in seconds
 * @property {{name: string, bytes: number, scale: number, isDelta: boolean}[]} columns in their order
 * @property {TrackAbout[]} tracks in the order of their events
 */

/** @typedef {Record<string, Float64Array>} Columns by name, the events of all tracks one after another */

const text = (/** @type {string} */ id) => element(id, HTMLElement).textContent ?? "";

/** @param {string} base64 @returns {Uint8Array<ArrayBuffer>} */
export function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array>} */
async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * @param {Uint8Array} bytes with all lowest bytes of the column first, then all second ones, and so on
 * @param {number} at where the column begins @param {number} count of events
 * @param {About["columns"][number]} column @param {number[]} firsts indices at which tracks begin
 * @returns {Float64Array}
 */
function readColumn(bytes, at, count, { bytes: width, scale, isDelta }, firsts) {
  const values = new Float64Array(count);
  const range = 2 ** (8 * width);
  for (let plane = 0, factor = 1; plane < width; plane += 1, factor *= 256) {
    const begin = at + plane * count;
    for (let index = 0; index < count; index += 1) values[index] += factor * bytes[begin + index];
  }
  for (let index = 0; index < count; index += 1) {
    if (values[index] >= range / 2) values[index] -= range;
  }
  if (isDelta) {
    firsts.forEach((first, track) => {
      const end = firsts[track + 1] ?? count;
      for (let index = first + 1; index < end; index += 1) values[index] += values[index - 1];
    });
  }
  for (let index = 0; index < count; index += 1) values[index] /= scale;
  return values;
}

/** @returns {Promise<{about: About, columns: Columns, firsts: number[]}>} */
export async function unpack() {
  /** @type {About} */
  const about = JSON.parse(text("report-about"));
  const bytes = await inflate(bytesOf(text("report-events")));
  let count = 0;
  const firsts = about.tracks.map((track) => {
    count += track.count;
    return count - track.count;
  });
  /** @type {Columns} */
  const columns = {};
  let at = 0;
  for (const column of about.columns) {
    columns[column.name] = readColumn(bytes, at, count, column, firsts);
    at += count * column.bytes;
  }
  return { about, columns, firsts };
}

/** @param {number} number @returns {File} the sound with this number */
export const soundOf = (number) => new File([bytesOf(text(`report-sound-${number}`))], "sound.mp3", { type: "audio/mpeg" });
