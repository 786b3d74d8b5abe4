/**
 * Lets the viewer pick a stream: one radio button each, with its present label beside it. Where the
 * daemon follows others, the streams stand in groups, a daemon each.
 */

import { FileStream } from "../state/file-stream.js";
import { verdictOf } from "../state/verdict.js";
import { element, setText } from "../ui/dom.js";
import { STATE_WORDS, STATUS_WORDS, percent, reachOf, shownName } from "../ui/words.js";

/** @typedef {import("../state/stream.js").Stream} Stream */
/** @typedef {import("../state/events.js").Room} Room */
/** @typedef {{stream: Stream, input: HTMLInputElement, state: HTMLElement}} Entry */
/** @typedef {{name: string, streams: Stream[], reach: string}} Group one daemon's, by its name */

/**
 * @param {Stream} stream @param {boolean} isOpen whether the daemon is there
 * @returns {string} what is the case now, "" where that is not known
 */
function stateOf(stream, isOpen) {
  if (stream instanceof FileStream) {
    return stream.result === null ? percent(stream.progress) : verdictOf(stream.result).word;
  }
  const { status, last, room } = stream;
  if (!isOpen || (room !== null && room.state !== "connected")) return "";
  if (status !== "running" && status !== "overload") return STATUS_WORDS[status];
  if (last === null) return "";
  return last.label ?? STATE_WORDS[last.state];
}

/**
 * @param {Stream[]} streams @param {string} ownName of the page's own daemon @param {Room[]} rooms
 * @returns {Group[]}
 */
function grouped(streams, ownName, rooms) {
  const others = rooms.map((room) => ({
    name: room.name,
    streams: streams.filter((stream) => stream.room?.name === room.name),
    reach: reachOf(room),
  }));
  const rest = streams.filter((stream) => !others.some((group) => group.streams.includes(stream)));
  return [{ name: ownName, streams: rest, reach: "" }, ...others];
}

export class StreamPicker {
  #root = element("streams", HTMLFieldSetElement);
  #list = element("stream-list", HTMLElement);
  #single = element("stream-single", HTMLElement);
  /** @type {Entry[]} */
  #entries = [];
  /** @type {HTMLElement[]} how each group's daemon can be reached */
  #reaches = [];
  #shape = "";
  #onChoose;

  /** @param {(stream: Stream) => void} onChoose */
  constructor(onChoose) {
    this.#onChoose = onChoose;
  }

  /**
   * @param {Stream[]} streams
   * @param {Stream|null} chosen
   * @param {boolean} isOpen whether the daemon is there
   * @param {string} ownName of the daemon
   * @param {Room[]} rooms the daemons that it follows
   */
  show(streams, chosen, isOpen, ownName, rooms) {
    const several = streams.length > 1 || rooms.length > 0;
    this.#root.hidden = !several;
    // The demo's mark says it already.
    this.#single.hidden = several || chosen === null || chosen.isDemo;
    setText(this.#single, chosen === null ? "" : chosen.title);
    const groups = grouped(streams, ownName, rooms);
    const inOrder = groups.flatMap((group) => group.streams);
    const shape = groups.map((group) => `${group.name}/${group.streams.length}`).join("\n");
    if (shape !== this.#shape || inOrder.some((stream, index) => this.#entries[index]?.stream !== stream)) {
      this.#shape = shape;
      this.#rebuild(groups);
    }
    groups.forEach((group, index) => setText(this.#reaches[index], isOpen ? group.reach : ""));
    for (const { stream, input, state } of this.#entries) {
      input.checked = stream === chosen;
      setText(state, stateOf(stream, isOpen));
    }
  }

  /** @param {Group[]} groups */
  #rebuild(groups) {
    // A rebuilt list would lose the keyboard focus.
    const focused = this.#entries.find(({ input }) => input === document.activeElement)?.stream;
    this.#entries = [];
    this.#reaches = [];
    this.#list.classList.toggle("has-rooms", groups.length > 1);
    this.#list.replaceChildren(...groups.map((group) => this.#groupOf(group, groups.length > 1)));
    this.#entries.find(({ stream }) => stream === focused)?.input.focus();
  }

  /** @param {Group} group @param {boolean} isNamed whether there are others */
  #groupOf({ name, streams }, isNamed) {
    const root = document.createElement("div");
    root.className = "room";
    const reach = document.createElement("span");
    reach.className = "room-reach";
    this.#reaches.push(reach);
    if (isNamed) {
      const shown = shownName(name);
      root.setAttribute("role", "group");
      root.setAttribute("aria-label", shown);
      const head = document.createElement("p");
      head.className = "room-head";
      const title = document.createElement("bdi");
      title.textContent = shown;
      head.append(title, reach);
      root.append(head);
    }
    const choices = document.createElement("div");
    choices.className = "room-streams";
    choices.append(...streams.map((stream) => this.#choiceOf(stream)));
    root.append(choices);
    return root;
  }

  /** @param {Stream} stream */
  #choiceOf(stream) {
    const input = document.createElement("input");
    input.type = "radio";
    input.name = "stream";
    // The name comes from outside; a number cannot clash with anything.
    input.value = String(this.#entries.length);
    input.addEventListener("change", () => this.#onChoose(stream));
    const name = document.createElement("bdi");
    const { room } = stream;
    name.textContent = room === null ? stream.title : shownName(stream.name.slice(room.name.length + 1));
    const state = document.createElement("span");
    state.className = "stream-state";
    const label = document.createElement("label");
    label.append(input, name, state);
    this.#entries.push({ stream, input, state });
    return label;
  }
}
