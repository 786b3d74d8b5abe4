/** Shows whether a microphone of the daemon is on, and turns it off and on again. */

import { element, setAttribute, setText } from "../ui/dom.js";

export class MuteButton {
  #root = element("microphone", HTMLElement);
  #text = element("microphone-text", HTMLElement);
  #button = element("mute", HTMLButtonElement);
  #isMuted = false;

  /** @param {(isMuted: boolean) => void} onMute called with what is wanted */
  constructor(onMute) {
    this.#button.addEventListener("click", () => onMute(!this.#isMuted));
  }

  /** @param {import("../state/stream.js").Stream|null} stream @param {boolean} isOpen whether the daemon is there */
  show(stream, isOpen) {
    const isMicrophone = isOpen && stream !== null && stream.device !== null && stream.isPresent
      && !["ended", "reconnecting"].includes(stream.status);
    this.#root.hidden = !isMicrophone;
    if (stream === null || !isMicrophone) return;
    this.#isMuted = stream.status === "muted";
    setAttribute(this.#root, "data-state", this.#isMuted ? "off" : "on");
    setText(this.#text, this.#isMuted ? "microphone off" : "microphone on");
    setText(this.#button, this.#isMuted ? "Unmute" : "Mute");
  }
}
