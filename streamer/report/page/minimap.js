/** Shows the whole track above its timeline, with a window over what that shows. */

import { element } from "../../../clients/web/ui/dom.js";
import { paintRibbon } from "./ribbon.js";

/** Of the width: a narrower window would be hard to see. */
const NARROWEST = 0.006;

export class Minimap {
  #frame = element("minimap", HTMLElement);
  #canvas = element("minimap-canvas", HTMLCanvasElement);
  #window = element("minimap-window", HTMLElement);
  #timeline;
  /** @type {import("./track.js").Track|null} */
  #track = null;
  #shownKey = "";

  /** @param {import("../../../clients/web/timeline/timeline.js").Timeline} timeline */
  constructor(timeline) {
    this.#timeline = timeline;
    new ResizeObserver(() => this.paint()).observe(this.#frame);
    this.#frame.addEventListener("pointerdown", (event) => {
      this.#frame.setPointerCapture(event.pointerId);
      this.#moveTo(event);
    });
    this.#frame.addEventListener("pointermove", (event) => {
      if (this.#frame.hasPointerCapture(event.pointerId)) this.#moveTo(event);
    });
  }

  /** @param {PointerEvent} event puts the middle of the window there */
  #moveTo(event) {
    if (this.#track === null) return;
    const { left, width } = this.#frame.getBoundingClientRect();
    const { view } = this.#timeline;
    const middle = ((event.clientX - left) / width) * this.#track.durationSeconds;
    view.pan(middle + view.spanSeconds / 2 - view.end(0), this.#track.events);
  }

  /** @param {import("./track.js").Track} track */
  show(track) {
    this.#track = track;
    this.paint();
  }

  /** Anew: after another size, theme or choice of labels. */
  paint() {
    this.#shownKey = "";
    if (this.#track !== null) paintRibbon(this.#canvas, this.#track, this.#timeline.theme);
  }

  /** Puts the window where the view is. */
  draw() {
    if (this.#track === null) return;
    const { view } = this.#timeline;
    const whole = Math.max(1e-6, this.#track.durationSeconds);
    const key = `${view.end(0)} ${view.spanSeconds}`;
    if (key === this.#shownKey) return;
    this.#shownKey = key;
    this.#frame.hidden = view.spanSeconds >= whole - 1e-6;
    const wide = Math.min(1, Math.max(NARROWEST, view.spanSeconds / whole));
    const left = Math.min(1 - wide, Math.max(0, (view.end(0) - view.spanSeconds) / whole));
    this.#window.style.width = `${100 * wide}%`;
    this.#window.style.left = `${100 * left}%`;
  }
}
