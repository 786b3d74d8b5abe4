/** Gives each label a shape, so that nothing on the page depends on colour alone. */

/** The side of the square in which the shapes are drawn. */
export const GLYPH_SIZE = 24;

/** One filled path per label, in a square of GLYPH_SIZE. */
export const GLYPHS = Object.freeze({
  neutral: "M5.5 9h13a3 3 0 0 1 0 6h-13a3 3 0 0 1 0-6Z",
  calm: "M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 0 1 0-17Z",
  happy: "M2.5 8.5h19a9.5 9.5 0 0 1-19 0Z",
  sad: "M12 2.5c3.6 4.8 6.6 8.2 6.6 12a6.6 6.6 0 0 1-13.2 0c0-3.8 3-7.2 6.6-12Z",
  angry: "M12 3l10 17.5h-20Z",
  fearful: "M12 1.8l8 10.2-8 10.2-8-10.2Z",
  disgust: "M6 2.8l6 6 6-6 3.2 3.2-6 6 6 6-3.2 3.2-6-6-6 6-3.2-3.2 6-6-6-6Z",
  surprised: "M12 1.5c1.3 6.3 4.2 9.2 10.5 10.5-6.3 1.3-9.2 4.2-10.5 10.5"
    + "-1.3-6.3-4.2-9.2-10.5-10.5 6.3-1.3 9.2-4.2 10.5-10.5Z",
});

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * @param {keyof typeof GLYPHS} label
 * @returns {SVGSVGElement} the label's shape, hidden from screen readers: a word stands beside it
 */
export function glyphElement(label) {
  const svg = document.createElementNS(SVG_NAMESPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${GLYPH_SIZE} ${GLYPH_SIZE}`);
  svg.setAttribute("class", "glyph");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG_NAMESPACE, "path");
  path.setAttribute("d", GLYPHS[label]);
  svg.append(path);
  return svg;
}
