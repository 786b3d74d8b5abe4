/** Works the buttons above the timeline: pause, zoom, and saving the visible stretch. */

import { FileStream } from "../state/file-stream.js";
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
  #exportButtons = element("export", HTMLFieldSetElement);
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
    for (const button of this.#exportButtons.querySelectorAll("button")) {
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
    const fileStream = stream instanceof FileStream ? stream : null;
    this.#pause.hidden = fileStream !== null;
    this.#playerBar.show(fileStream);
    const hasEnded = stream?.status === "ended";
    this.#pause.disabled = stream === null || (hasEnded && view.isLive);
    setText(this.#pause, view.isLive ? "Pause" : hasEnded ? "Go to end" : "Go live");
    this.#in.disabled = view.spanSeconds <= view.shortestSpan;
    this.#out.disabled = view.spanSeconds >= view.longestSpan;
    this.#exportButtons.disabled = stream === null || stream.events.isEmpty;
    if (stream === null) return;
    this.#readout.show(stream.events, view.cursorId, this.#timeline.shareSeconds(stream.events), cursorX);
    if (fileStream !== null) {
      setText(this.#behind, "");
      return;
    }
    const behind = this.#timeline.livePosition(stream, nowMs) - this.#timeline.visible(stream, nowMs).end;
    const where = hasEnded ? `${duration(behind)} before the end` : `paused, ${duration(behind)} behind`;
    setText(this.#behind, view.isLive ? "" : where);
  }

  /** @param {1|-1} direction */
  #zoom(direction) {
    const stream = this.#stream();
    const { view } = this.#timeline;
    const now = performance.now();
    const middle = stream === null ? 0 : this.#timeline.visible(stream, now).end - view.spanSeconds / 2;
    const hasCursor = stream !== null && view.cursorId !== null && view.cursorId < stream.events.next;
    view.zoomTo(view.nextSpan(direction), hasCursor ? stream.events.positionOf(view.cursorId ?? 0) : middle);
    if (stream !== null && !view.isLive) view.pan(0, stream.events);
    this.#timeline.invalidate();
  }

  #togglePause() {
    const stream = this.#stream();
    if (stream === null) return;
    if (stream instanceof FileStream) {
      this.#player.toggle();
      return;
    }
    const { view } = this.#timeline;
    if (view.isLive) {
      if (stream.status === "ended") return; // nothing moves that could be paused
      view.pause(this.#timeline.livePosition(stream, performance.now()));
    } else {
      view.follow();
      view.cursorId = null;
    }
    this.#describe();
  }

  /** @param {number} position @returns {boolean} whether there is a file to play */
  #play(position) {
    if (!(this.#stream() instanceof FileStream)) return false;
    this.#player.seek(position);
    this.#player.play();
    if (this.#player.canPlay) {
      // The position of the sound matters now, not the resting pointer.
      this.#timeline.hoverX = null;
      this.#timeline.view.cursorId = null;
    }
    return this.#player.canPlay;
  }

  /** Gives screen readers the position of the cursor. */
  #describe() {
    const stream = this.#stream();
    const { view } = this.#timeline;
    if (stream === null || stream.events.isEmpty) return;
    const { events } = stream;
    const id = view.cursorId;
    const hasCursor = id !== null && id >= events.first && id < events.next;
    setAttribute(this.#frame, "aria-valuemin", String(Math.floor(events.oldestPosition)));
    setAttribute(this.#frame, "aria-valuemax", String(Math.ceil(events.endPosition)));
    const position = hasCursor ? events.positionOf(id) : events.newestPosition;
    setAttribute(this.#frame, "aria-valuenow", position.toFixed(2));
    const present = stream.status === "ended" ? "ended" : "live";
    const rest = stream instanceof FileStream ? "recording" : view.isLive ? present : "paused";
    setAttribute(this.#frame, "aria-valuetext", hasCursor ? describe(events, id, this.#timeline.shareSeconds(events)) : rest);
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
