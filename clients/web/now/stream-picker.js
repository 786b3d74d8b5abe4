/** Lets the viewer pick a stream: one radio button each, with its present label beside it. */

import { FileStream } from "../state/file-stream.js";
import { verdictOf } from "../state/verdict.js";
import { element, setText } from "../ui/dom.js";
import { STATE_WORDS, STATUS_WORDS, percent } from "../ui/words.js";

/** @typedef {{stream: import("../state/stream.js").Stream, input: HTMLInputElement,
 *   state: HTMLElement, label: HTMLLabelElement}} Entry */

/**
 * @param {import("../state/stream.js").Stream} stream @param {boolean} isOpen whether the daemon is there
 * @returns {string} what is the case now, "" where that is not known
 */
function stateOf(stream, isOpen) {
  if (stream instanceof FileStream) {
    return stream.result === null ? percent(stream.progress) : verdictOf(stream.result).word;
  }
  const { status, last } = stream;
  if (!isOpen) return "";
  if (status !== "running" && status !== "overload") return STATUS_WORDS[status];
  if (last === null) return "";
  return last.label ?? STATE_WORDS[last.state];
}

export class StreamPicker {
  #root = element("streams", HTMLFieldSetElement);
  #list = element("stream-list", HTMLElement);
  #single = element("stream-single", HTMLElement);
  /** @type {Entry[]} */
  #entries = [];
  #onChoose;

  /** @param {(stream: import("../state/stream.js").Stream) => void} onChoose */
  constructor(onChoose) {
    this.#onChoose = onChoose;
  }

  /**
   * @param {import("../state/stream.js").Stream[]} streams
   * @param {import("../state/stream.js").Stream|null} chosen
   * @param {boolean} isOpen whether the daemon is there
   */
  show(streams, chosen, isOpen) {
    const several = streams.length > 1;
    this.#root.hidden = !several;
    // The demo's mark says it already.
    this.#single.hidden = several || chosen === null || chosen.isDemo;
    setText(this.#single, chosen === null ? "" : chosen.title);
    if (streams.some((stream, index) => this.#entries[index]?.stream !== stream)
      || streams.length !== this.#entries.length) {
      this.#rebuild(streams);
    }
    for (const { stream, input, state } of this.#entries) {
      input.checked = stream === chosen;
      setText(state, stateOf(stream, isOpen));
    }
  }

  /** @param {import("../state/stream.js").Stream[]} streams */
  #rebuild(streams) {
    // A rebuilt list would lose the keyboard focus.
    const focused = this.#entries.find(({ input }) => input === document.activeElement)?.stream;
    this.#entries = streams.map((stream, index) => {
      const input = document.createElement("input");
      input.type = "radio";
      input.name = "stream";
      // The name comes from outside; a number cannot clash with anything.
      input.value = String(index);
      input.addEventListener("change", () => this.#onChoose(stream));
      const name = document.createElement("bdi");
      name.textContent = stream.title;
      const state = document.createElement("span");
      state.className = "stream-state";
      const label = document.createElement("label");
      label.append(input, name, state);
      return { stream, input, state, label };
    });
    this.#list.replaceChildren(...this.#entries.map(({ label }) => label));
    this.#entries.find(({ stream }) => stream === focused)?.input.focus();
  }
}
