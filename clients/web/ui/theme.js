/**
 * Reads the style sheet's colours for what is drawn on canvas. The style sheet stays the only place
 * where a colour is written.
 */

/** The style sheet's text size on most screens: what is drawn is laid out for it, and grows with it. */
export const USUAL_FONT_PIXELS = 15;

/**
 * @typedef {object} Theme
 * @property {Record<string, string>} labels
 * @property {string} ink
 * @property {string} muted
 * @property {string} line
 * @property {string} panel
 * @property {string} lane
 * @property {string} level
 * @property {string} warn
 * @property {string} onLabel
 * @property {string} font
 */

/** @param {readonly string[]} labels whose colours are wanted, too @returns {Theme} */
export function readTheme(labels) {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    labels: Object.fromEntries(labels.map((label) => [label, colour(label)])),
    ink: colour("ink"), muted: colour("muted"), line: colour("line"), panel: colour("panel"),
    lane: colour("lane"), level: colour("level"), warn: colour("warn"),
    onLabel: colour("on-label"),
    // Of the element that the style sheet gives the font to: the root has the browser's own.
    font: getComputedStyle(document.body).fontFamily,
  };
}

/** @param {() => void} listener called when the system turns light or dark */
export function onThemeChange(listener) {
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
    window.matchMedia(query).addEventListener("change", listener);
  }
}

const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");

/** @returns {boolean} whether the viewer asked for less movement */
export const prefersLessMotion = () => reducedMotion.matches;
