/** Says in words what a file holds: the whole of it, or the moment under the playhead. */

import { isMixed, isTooShort, verdictOf } from "../state/verdict.js";
import { shareOfLevel } from "../ui/level.js";
import { STATE_WORDS, duration, percent, playTime } from "../ui/words.js";

const MOST_SHARES = 3;

/** @param {import("../state/file-stream.js").Result} result @returns {string} its largest shares */
const sharesOf = ({ shares }) => shares.slice(0, MOST_SHARES)
  .map(({ label, share }) => `${label}\u00a0${percent(share)}`).join(", ");

/**
 * @param {import("../state/file-stream.js").FileStream} fileStream
 * @param {number|null} position of the moment, null for the whole
 * @returns {import("./situation.js").Situation}
 */
export function fileSituation(fileStream, position) {
  const { result, problem } = fileStream;
  /** @type {(kind: import("./situation.js").Kind, word: string, detail: string) =>
   *   import("./situation.js").Situation} */
  const say = (kind, word, detail) =>
    ({ kind, label: null, word, detail, note: "", confidence: 0, loudness: 0 });

  if (problem !== "") return say("ended", "stopped", problem);
  if (result === null) {
    const share = percent(fileStream.progress);
    const situation = say("analysing", fileStream.activity, `${share} of ${duration(fileStream.durationSeconds)}`);
    situation.confidence = fileStream.progress;
    return situation;
  }
  if (position === null) {
    const length = duration(Math.max(1, result.duration));
    const { word, label } = verdictOf(result);
    const whole = result.label === null
      ? say("silence", word, isTooShort(result) ? "Some 0.3 s are needed." : `No speech in ${length}.`)
      : isMixed(result)
        ? say("mixed", word, `${sharesOf(result)} of ${length}`)
        : say("speech", word, `${percent(result.confidence)} on average over ${length}`);
    const news = `${fileStream.title}: ${whole.word}, ${whole.detail}`;
    return { ...whole, label, confidence: label === null ? 0 : result.confidence, news };
  }
  return momentSituation(fileStream.at(position), playTime(position), say);
}

/**
 * @param {import("../state/events.js").EmotionEvent|null} event @param {string} time
 * @param {(kind: import("./situation.js").Kind, word: string, detail: string) =>
 *   import("./situation.js").Situation} say
 */
function momentSituation(event, time, say) {
  if (event === null) return say("silence", "silence", `No sound at ${time}.`);
  const situation = say(event.state, STATE_WORDS[event.state], `No speech at ${time}.`);
  situation.loudness = shareOfLevel(event.level_dbfs);
  if (event.state === "warmup") situation.detail = "The first half second.";
  if (event.state === "uncertain") situation.detail = `Not sure at ${time}.`;
  if (event.state === "speech" && event.label !== null) {
    situation.label = event.label;
    situation.word = event.label;
    situation.confidence = event.confidence ?? 0;
    situation.detail = `${percent(situation.confidence)} sure at ${time}`;
  }
  return situation;
}
