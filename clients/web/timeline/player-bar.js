/** Shows the buttons of a file's player, above its timeline. */

import { element, setText } from "../ui/dom.js";
import { playTime } from "../ui/words.js";

export class PlayerBar {
  #root = element("player", HTMLElement);
  #play = element("player-play", HTMLButtonElement);
  #whole = element("player-whole", HTMLButtonElement);
  #time = element("player-time", HTMLElement);
  #note = element("player-note", HTMLElement);
  #player;

  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.#player = player;
    this.#play.addEventListener("click", () => player.toggle());
    this.#whole.addEventListener("click", () => {
      player.rewind();
      this.#play.focus();
    });
  }

  /** @param {import("../state/file-stream.js").FileStream|null} fileStream */
  show(fileStream) {
    const player = this.#player;
    this.#root.hidden = fileStream === null;
    if (fileStream === null) return;
    setText(this.#play, player.isPlaying ? "Pause" : "Play");
    this.#play.disabled = !player.canPlay;
    this.#play.hidden = fileStream.noun === "recording";
    this.#whole.hidden = !player.isTouched || fileStream.result === null;
    setText(this.#whole, `Whole ${fileStream.noun}`);
    setText(this.#time, `${playTime(player.position)} / ${playTime(fileStream.durationSeconds)}`);
    setText(this.#note, player.problem);
  }
}
