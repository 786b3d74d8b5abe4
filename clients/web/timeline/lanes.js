/**
 * Lays out the timeline's four lanes, which share the time axis.
 *
 *   ribbon   the published label, or the state where there is none
 *   scores   the eight smoothed scores stacked in the protocol's order, neutral on top
 *   level    loudness, mirrored about its middle
 *   speech   the share of the window that was speech
 */

/**
 * @typedef {object} Lanes
 * @property {number} scale device pixels per CSS pixel
 * @property {number} height
 * @property {{y: number, height: number}} ribbon
 * @property {{y: number, height: number}} scores
 * @property {{y: number, height: number}} level
 * @property {{y: number, height: number}} speech
 * @property {number} axisBaseline
 */

/** @param {number} height in CSS pixels @param {number} scale @returns {Lanes} */
export function layOut(height, scale) {
  const px = (/** @type {number} */ value) => Math.round(value * scale);
  const level = Math.max(26, Math.min(52, height * 0.16));
  const fixed = 24 + 4 + 6 + level + 5 + 11 + 24;
  const scores = Math.max(40, height - fixed);
  const levelTop = 28 + scores + 6;
  return {
    scale, height: px(height),
    ribbon: { y: 0, height: px(24) },
    scores: { y: px(28), height: px(scores) },
    level: { y: px(levelTop), height: px(level) },
    speech: { y: px(levelTop + level + 5), height: px(11) },
    axisBaseline: px(height - 5),
  };
}
