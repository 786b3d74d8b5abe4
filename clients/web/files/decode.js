/**
 * Decodes any audio or video file to the samples that the daemon analyses, in the browser alone.
 */

import { mixDown, toInt16 } from "../daemon/samples.js";
import { duration } from "../ui/words.js";

/** The rate at which the daemon works: what is sent needs no resampling there. */
export const SAMPLE_RATE = 16000;
/** Decoding holds the whole file, and what comes of it, in memory. */
export const LARGEST_FILE_BYTES = 256 * 2 ** 20;
const LOOK_MS = 5000;
const ELSEWHERE = "For longer WAV, FLAC, OGG, Opus and MP3 files, run: emotiond analyze FILE";

/** Something that the viewer can understand and mend; its message is shown as it is. */
export class FileProblem extends Error {}

/**
 * @param {File} file
 * @returns {Promise<number>} seconds that the file says it lasts, NaN where it does not say
 */
function statedSeconds(file) {
  const media = document.createElement("audio");
  const address = URL.createObjectURL(file);
  return new Promise((/** @type {(seconds: number) => void} */ resolve) => {
    const timer = window.setTimeout(() => resolve(NaN), LOOK_MS);
    const look = () => {
      window.clearTimeout(timer);
      resolve(Number.isFinite(media.duration) ? media.duration : NaN);
    };
    media.addEventListener("loadedmetadata", look);
    media.addEventListener("error", look);
    media.preload = "metadata";
    media.src = address;
  }).finally(() => {
    media.removeAttribute("src");
    URL.revokeObjectURL(address);
  });
}

/** @param {string} subject @param {number} seconds @param {number} mostSeconds */
function refuseLong(subject, seconds, mostSeconds) {
  if (!(seconds > mostSeconds)) return; // a file that does not say how long it is may be short
  throw new FileProblem(`${subject} is ${duration(seconds)} long; the page takes up to `
    + `${duration(mostSeconds)}. ${ELSEWHERE}`);
}

/**
 * @param {File} file
 * @param {number} mostSeconds
 * @returns {Promise<Int16Array<ArrayBuffer>>} mono at SAMPLE_RATE
 * @throws {FileProblem} it is too large or too long, or holds no sound that this browser knows
 */
export async function decode(file, mostSeconds) {
  if (file.size === 0) throw new FileProblem("It is empty.");
  if (file.size > LARGEST_FILE_BYTES) {
    throw new FileProblem(`It is ${Math.ceil(file.size / 2 ** 20)} MB; the page takes up to `
      + `${LARGEST_FILE_BYTES / 2 ** 20} MB. ${ELSEWHERE}`);
  }
  // A few bytes can say that hours follow: ask before they fill the memory.
  refuseLong("By what it says, it", await statedSeconds(file), mostSeconds);
  let decoded;
  try {
    const context = new OfflineAudioContext(1, 1, SAMPLE_RATE);
    decoded = await context.decodeAudioData(await file.arrayBuffer());
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotReadableError") {
      throw new FileProblem("It cannot be read. It may have moved or changed, or be a folder.");
    }
    throw new FileProblem("This browser found no sound in it. Is it an audio or video file?");
  }
  refuseLong("It", decoded.duration, mostSeconds);
  return toInt16(mixDown(decoded));
}
