/**
 * Moves the timeline by pointer, wheel and keyboard.
 *
 * A mouse hovers to read and drags to move; a finger taps to read, drags to move, and two fingers
 * zoom. Moving pauses, so that what is being looked at does not scroll away. A click on a
 * file plays it from there.
 */

/**
 * @typedef {object} TimelineHost
 * @property {import("./timeline.js").Timeline} timeline
 * @property {() => import("../state/stream.js").Stream|null} stream
 * @property {() => void} changed called after any change of the view
 * @property {(position: number) => boolean} play from there; false where nothing can be played
 */

const DRAG_THRESHOLD_PIXELS = 4;
const BIG_STEP_SECONDS = 5;
const BIG_STEP_SPANS = 5;
const WHEEL_PIXELS_PER_DOUBLING = 300;

/** @param {HTMLElement} element @param {TimelineHost} host */
export function listenToPointer(element, host) {
  const { timeline } = host;
  /** @type {Map<number, number>} pointer id to x */
  const pointers = new Map();
  let dragged = 0;

  const xOf = (/** @type {PointerEvent|WheelEvent} */ event) =>
    event.clientX - element.getBoundingClientRect().left;

  const zoomAround = (/** @type {number} */ factor, /** @type {number} */ x) => {
    const stream = host.stream();
    if (stream === null) return;
    const { view } = timeline;
    const anchor = timeline.positionAt(stream, performance.now(), x);
    view.zoomTo(view.spanSeconds * factor, anchor);
    if (!view.isLive) view.pan(0, stream.events);
    timeline.invalidate();
    host.changed();
  };

  const panBy = (/** @type {number} */ pixels) => {
    const stream = host.stream();
    if (stream === null || stream.events.isEmpty) return;
    const { view } = timeline;
    view.pause(timeline.livePosition(stream, performance.now()));
    view.pan(-pixels * timeline.secondsPerCssPixel, stream.events);
    host.changed();
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, xOf(event));
    dragged = 0;
    element.setPointerCapture(event.pointerId);
  });

  element.addEventListener("pointermove", (event) => {
    const x = xOf(event);
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") timeline.hoverX = x;
      return;
    }
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1] ?? x;
      const distance = Math.max(20, Math.abs(x - other));
      zoomAround(Math.max(20, Math.abs(before - other)) / distance, (x + other) / 2);
      dragged = Infinity;
    } else {
      dragged += Math.abs(x - before);
      if (dragged > DRAG_THRESHOLD_PIXELS) {
        timeline.hoverX = null;
        timeline.view.cursorId = null;
        panBy(x - before);
      }
    }
    pointers.set(event.pointerId, x);
  });

  const release = (/** @type {PointerEvent} */ event) => {
    const stream = host.stream();
    if (pointers.delete(event.pointerId) && dragged <= DRAG_THRESHOLD_PIXELS && stream !== null) {
      const position = timeline.positionAt(stream, performance.now(), xOf(event));
      const played = event.type === "pointerup" && host.play(position);
      // A tap reads the moment under it and stops the scrolling beneath the finger.
      if (event.type === "pointerup" && event.pointerType !== "mouse" && !played) {
        const { view } = timeline;
        view.pause(timeline.livePosition(stream, performance.now()));
        view.cursorId = stream.events.covering(position);
      }
      host.changed();
    }
  };
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
  element.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "mouse") return;
    timeline.hoverX = null;
    timeline.view.cursorId = null;
    host.changed();
  });

  element.addEventListener("wheel", (event) => {
    // The plain wheel stays the page's own; a pinch on a touch pad arrives as wheel with ctrlKey.
    if (event.ctrlKey) {
      event.preventDefault();
      zoomAround(2 ** (event.deltaY / WHEEL_PIXELS_PER_DOUBLING), xOf(event));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      panBy(-event.deltaX);
    }
  }, { passive: false });
}

/** @param {HTMLElement} element @param {TimelineHost} host @param {(direction: 1|-1) => void} zoom
 * @param {() => void} togglePause */
export function listenToKeys(element, host, zoom, togglePause) {
  const { timeline } = host;

  /** @param {(events: import("../state/event-buffer.js").EventBuffer, id: number) => number} choose */
  const move = (choose) => {
    const stream = host.stream();
    if (stream === null || stream.events.isEmpty) return;
    const { events } = stream;
    const { view } = timeline;
    timeline.hoverX = null;
    const visibleEnd = timeline.visible(stream, performance.now()).end;
    // Without a cursor the first step back lands on the last event that is shown.
    const from = view.cursorId ?? events.atOrAfter(visibleEnd + 1e-6);
    const id = Math.min(events.next - 1, Math.max(events.first, choose(events, from)));
    view.pause(timeline.livePosition(stream, performance.now()));
    view.cursorId = id;
    view.reveal(id, events);
    host.changed();
  };
  /** @param {number} seconds back or on, over a gap at once */
  const jump = (seconds) => move((events, id) => {
    const target = events.atOrAfter(events.positionOf(Math.min(id, events.next - 1)) + seconds);
    return seconds < 0 ? Math.min(target, id - 1) : target;
  });
  /** From afar a step is a span: an event would be too small a step to be seen.
   * @param {1|-1} direction @param {boolean} isBig */
  const step = (direction, isBig = false) => {
    const { events } = host.stream() ?? {};
    const seconds = events === undefined ? null : timeline.shareSeconds(events);
    if (seconds !== null) jump(direction * seconds * (isBig ? BIG_STEP_SPANS : 1));
    else if (isBig) jump(direction * BIG_STEP_SECONDS);
    else move((_, id) => id + direction);
  };

  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const actions = {
    ArrowLeft: (event) => step(-1, event.shiftKey),
    ArrowRight: (event) => step(1, event.shiftKey),
    ArrowDown: () => step(-1),
    ArrowUp: () => step(1),
    PageUp: () => jump(-timeline.view.spanSeconds),
    PageDown: () => jump(timeline.view.spanSeconds),
    Home: () => move((events) => events.first),
    End: () => move((events) => events.next - 1),
    "+": () => zoom(-1),
    "=": () => zoom(-1),
    "-": () => zoom(1),
    " ": () => togglePause(),
    Enter: () => {
      const { events } = host.stream() ?? {};
      const id = timeline.view.cursorId;
      if (events !== undefined && id !== null && id < events.next) host.play(events.beginOf(id));
    },
    Escape: () => {
      timeline.view.cursorId = null;
      host.changed();
    },
  };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action(event);
  });
}
