/**
 * Gives the valence and arousal of the eight labels, and of a set of scores for them.
 *
 * Coordinates are the mean ratings (V.Mean.Sum, A.Mean.Sum, scale 1 to 9) of the eight words
 * themselves in: Warriner, A. B., Kuperman, V., & Brysbaert, M. (2013). Norms of valence, arousal,
 * and dominance for 13,915 English lemmas. Behavior Research Methods, 45(4), 1191-1207.
 * https://doi.org/10.3758/s13428-012-0314-x
 *
 * They rate words, not voices: the point drawn from them is an illustration of the scores.
 */

import { LABELS } from "../state/events.js";

/** @typedef {{valence: number, arousal: number}} AffectPoint */

/** The middle of both scales. */
export const SCALE_MIDDLE = 5;

/** @type {Readonly<Record<import("../state/events.js").Label, AffectPoint>>} */
export const COORDINATES = Object.freeze({
  neutral: { valence: 5.5, arousal: 3.45 },
  calm: { valence: 6.89, arousal: 1.67 },
  happy: { valence: 8.47, arousal: 6.05 },
  sad: { valence: 2.1, arousal: 3.49 },
  angry: { valence: 2.53, arousal: 6.2 },
  fearful: { valence: 2.66, arousal: 5.45 },
  disgust: { valence: 3.32, arousal: 5.0 },
  surprised: { valence: 6.57, arousal: 5.95 },
});

/**
 * @param {ArrayLike<number>} scores in the order of LABELS, from `offset` on
 * @param {number} [offset]
 * @returns {AffectPoint|null} the mean of the eight words weighted by their scores,
 *   null where all scores are zero
 */
export function affectOf(scores, offset = 0) {
  let [weight, valence, arousal] = [0, 0, 0];
  LABELS.forEach((label, index) => {
    const score = scores[offset + index];
    weight += score;
    valence += score * COORDINATES[label].valence;
    arousal += score * COORDINATES[label].arousal;
  });
  return weight > 0 ? { valence: valence / weight, arousal: arousal / weight } : null;
}
