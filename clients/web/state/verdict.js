/** Says in one word what a whole file holds: the one place of this rule in the page. */

/** A label that lasts so long is one of a file's emotions; as in streamer/streams/summary.py. */
const FEWEST_SECONDS = 2;
/** Of the time with a label. */
const LEAST_SHARE = 0.2;
/** Of the time with a label; where no label has it, the file holds several emotions. */
const MAJORITY = 0.5;
/** What the shipped models need, as their cards say; a shorter file cannot be judged. */
const SHORTEST_SECONDS = 0.255;

/** @param {import("./file-stream.js").Result} result @returns {boolean} whether it holds several emotions */
export function isMixed({ shares, duration }) {
  const labelled = shares.reduce((sum, { share }) => sum + share, 0);
  const lasting = shares.filter(({ share }) =>
    share * duration >= FEWEST_SECONDS && share >= LEAST_SHARE * labelled);
  const others = labelled - Math.max(0, ...shares.map(({ share }) => share));
  const hasMajority = others <= (1 - MAJORITY) * labelled;
  return lasting.length > 1 || (!hasMajority && others * duration >= FEWEST_SECONDS);
}

/** @param {import("./file-stream.js").Result} result @returns {boolean} */
export const isTooShort = ({ label, duration }) => label === null && duration < SHORTEST_SECONDS;

/**
 * @param {import("./file-stream.js").Result} result
 * @returns {{word: string, label: import("./events.js").Label|null}} no label where one would say too much
 */
export function verdictOf(result) {
  if (isTooShort(result)) return { word: "too short", label: null };
  if (result.label === null) return { word: "no speech", label: null };
  return isMixed(result) ? { word: "mixed", label: null } : { word: result.label, label: result.label };
}
