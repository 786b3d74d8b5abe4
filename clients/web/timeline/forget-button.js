/** Erases what the daemon and the page keep of a stream, after a second click. */

import { element, setAttribute } from "../ui/dom.js";
import { onSecondClick } from "../ui/second-click.js";
import { duration } from "../ui/words.js";

export class ForgetButton {
  #button = element("forget", HTMLButtonElement);
  #takeBack;

  /** @param {() => void} onForget */
  constructor(onForget) {
    this.#takeBack = onSecondClick(this.#button, { idle: "Forget", asking: "Forget for all?" }, onForget);
  }

  /** @param {import("../state/stream.js").Stream|null} stream one that the daemon keeps, else null */
  show(stream) {
    const hidden = stream === null;
    if (hidden) this.#takeBack();
    if (this.#button.hidden !== hidden) this.#button.hidden = hidden;
    if (stream === null) return;
    setAttribute(this.#button, "title", `Erase the last ${duration(stream.keptSeconds)}, for all who look`);
  }
}
