/** Paints a whole track as one narrow ribbon. */

import { CanvasRenderer } from "../../../clients/web/ui/renderers.js";
import { kindOf, span } from "../../../clients/web/timeline/spans.js";

const STEP_PIXELS = 4;

/**
 * @param {HTMLCanvasElement} canvas as large as its style says @param {import("./track.js").Track} track
 * @param {import("../../../clients/web/ui/theme.js").Theme} theme
 */
export function paintRibbon(canvas, track, theme) {
  const pixels = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.max(1, Math.round(size * pixels)));
  Object.assign(canvas, { width, height });
  const renderer = new CanvasRenderer(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), theme.font);
  renderer.rectangle(0, 0, width, height, theme.lane);
  const steps = Math.max(1, Math.floor(width / (STEP_PIXELS * pixels)));
  const seconds = track.durationSeconds / steps;
  for (let step = 0; seconds > 0 && step < steps; step += 1) {
    const found = span(track.events, step * seconds, seconds);
    const kind = found === null ? "" : kindOf(found);
    const [x0, x1] = [step, step + 1].map((at) => Math.round((at * width) / steps));
    if (kind === "mixed") renderer.rectangle(x0, 0, x1 - x0, height, theme.muted, 0.4);
    else if (kind !== "") renderer.rectangle(x0, 0, x1 - x0, height, theme.labels[kind]);
  }
}
