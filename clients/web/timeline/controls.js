/** The buttons above the timeline: pause, zoom, and taking the visible stretch away. */

import { Recording } from "../state/file-stream.js";
import { element, setAttribute, setText } from "../ui/dom.js";
import { duration } from "../ui/words.js";
import { fileName, save, toCsv, toJson, toPng, toSvg } from "./export.js";
import { listenToKeys, listenToPointer } from "./input.js";
import { PlayerBar } from "./player-bar.js";
import { Readout, describe } from "./readout.js";

/** @typedef {"csv"|"json"|"svg"|"png"} FileKind */

/** Below this width a minute is a smear: begin with half. */
const NARROW_PIXELS = 600;

export class TimelineControls {
  #frame = element("timeline", HTMLElement);
  #pause = element("timeline-pause", HTMLButtonElement);
  #in = element("zoom-in", HTMLButtonElement);
  #out = element("zoom-out", HTMLButtonElement);
  #span = element("zoom-span", HTMLElement);
  #behind = element("timeline-behind", HTMLElement);
  #readout = new Readout(element("readout", HTMLElement));
  #takeAway = element("take-away", HTMLFieldSetElement);
  #timeline;
  #stream;
  #modelName;
  #player;
  #playerBar;

  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {() => import("../state/stream.js").Stream|null} stream
   * @param {() => string} modelName
   * @param {import("./player.js").Player} player
   */
  constructor(timeline, stream, modelName, player) {
    this.#timeline = timeline;
    this.#stream = stream;
    this.#modelName = modelName;
    this.#player = player;
    this.#playerBar = new PlayerBar(player);
    if (this.#frame.clientWidth < NARROW_PIXELS) timeline.view.spanSeconds = 30;
    this.#pause.addEventListener("click", () => this.#togglePause());
    this.#in.addEventListener("click", () => this.#zoom(-1));
    this.#out.addEventListener("click", () => this.#zoom(1));
    for (const button of this.#takeAway.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        void this.#save(/** @type {FileKind} */ (button.value));
      });
    }
    const host = {
      timeline, stream, changed: () => this.#describe(),
      play: (/** @type {number} */ position) => this.#play(position),
    };
    listenToPointer(this.#frame, host);
    listenToKeys(this.#frame, host, (direction) => this.#zoom(direction), () => this.#togglePause());
  }

  /** @param {number|null} cursorX what the timeline's drawing returned @param {number} nowMs */
  show(cursorX, nowMs) {
    const stream = this.#stream();
    const { view } = this.#timeline;
    setText(this.#span, duration(view.spanSeconds));
    const recording = stream instanceof Recording ? stream : null;
    this.#pause.hidden = recording !== null;
    this.#playerBar.show(recording);
    setText(this.#pause, view.isLive ? "Pause" : "Go live");
    this.#in.disabled = view.spanSeconds <= view.shortestSpan;
    this.#out.disabled = view.spanSeconds >= view.longestSpan;
    this.#takeAway.disabled = stream === null || stream.history.isEmpty;
    if (stream === null) return;
    this.#readout.show(stream.history, view.cursorId, cursorX);
    if (recording !== null) {
      setText(this.#behind, "");
      return;
    }
    const behind = this.#timeline.livePosition(stream, nowMs) - this.#timeline.visible(stream, nowMs).end;
    setText(this.#behind, view.isLive ? "" : `paused, ${duration(behind)} behind`);
  }

  /** @param {1|-1} direction */
  #zoom(direction) {
    const stream = this.#stream();
    const { view } = this.#timeline;
    const now = performance.now();
    const middle = stream === null ? 0 : this.#timeline.visible(stream, now).end - view.spanSeconds / 2;
    const held = stream !== null && view.cursorId !== null && view.cursorId < stream.history.next;
    view.zoomTo(view.nextSpan(direction), held ? stream.history.positionOf(view.cursorId ?? 0) : middle);
    if (stream !== null && !view.isLive) view.pan(0, stream.history);
    this.#timeline.invalidate();
  }

  #togglePause() {
    const stream = this.#stream();
    if (stream === null) return;
    if (stream instanceof Recording) {
      this.#player.toggle();
      return;
    }
    const { view } = this.#timeline;
    if (view.isLive) {
      view.pause(this.#timeline.livePosition(stream, performance.now()));
    } else {
      view.follow();
      view.cursorId = null;
    }
    this.#describe();
  }

  /** @param {number} position @returns {boolean} whether there is a recording to hear */
  #play(position) {
    if (!(this.#stream() instanceof Recording)) return false;
    this.#player.seek(position);
    this.#player.play();
    if (this.#player.canPlay) {
      // What is heard matters now, not what lies under the resting pointer.
      this.#timeline.hoverX = null;
      this.#timeline.view.cursorId = null;
    }
    return this.#player.canPlay;
  }

  /** Tells a screen reader where the cursor stands. */
  #describe() {
    const stream = this.#stream();
    const { view } = this.#timeline;
    if (stream === null || stream.history.isEmpty) return;
    const { history } = stream;
    const id = view.cursorId;
    const held = id !== null && id >= history.first && id < history.next;
    setAttribute(this.#frame, "aria-valuemin", String(Math.floor(history.oldestPosition)));
    setAttribute(this.#frame, "aria-valuemax", String(Math.ceil(history.endPosition)));
    const position = held ? history.positionOf(id) : history.newestPosition;
    setAttribute(this.#frame, "aria-valuenow", position.toFixed(2));
    const rest = stream instanceof Recording ? "recording" : view.isLive ? "live" : "paused";
    setAttribute(this.#frame, "aria-valuetext", held ? describe(history, id) : rest);
  }

  /** @param {FileKind} kind */
  async #save(kind) {
    const stream = this.#stream();
    if (stream === null) return;
    const stretch = this.#timeline.visible(stream, performance.now());
    const excerpt = { stream, ...stretch, modelName: this.#modelName() };
    const { theme } = this.#timeline;
    const blob = kind === "csv" ? new Blob([toCsv(excerpt)], { type: "text/csv" })
      : kind === "json" ? new Blob([toJson(excerpt)], { type: "application/json" })
      : kind === "svg" ? new Blob([toSvg(excerpt, theme)], { type: "image/svg+xml" })
      : await toPng(excerpt, theme);
    save(blob, fileName(excerpt, kind));
  }
}
