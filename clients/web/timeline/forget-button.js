/** Erases what the daemon and the page keep of a stream, after a second click. */

import { element, setAttribute, setText } from "../ui/dom.js";
import { duration } from "../ui/words.js";

const SURE_MS = 5000;

export class ForgetButton {
  #button = element("forget", HTMLButtonElement);
  #isAsking = false;
  #timer = 0;

  /** @param {() => void} onForget */
  constructor(onForget) {
    this.#button.addEventListener("click", () => {
      if (this.#isAsking) onForget();
      this.#ask(!this.#isAsking);
    });
    this.#button.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#isAsking) return;
      event.preventDefault();
      this.#ask(false);
    });
  }

  /** @param {boolean} isAsking */
  #ask(isAsking) {
    window.clearTimeout(this.#timer);
    this.#isAsking = isAsking;
    if (isAsking) this.#timer = window.setTimeout(() => this.#ask(false), SURE_MS);
    setText(this.#button, isAsking ? "Forget for all?" : "Forget");
    this.#button.classList.toggle("is-asking", isAsking);
  }

  /** @param {import("../state/stream.js").Stream|null} stream one that the daemon keeps, else null */
  show(stream) {
    const hidden = stream === null;
    if (hidden && this.#isAsking) this.#ask(false);
    if (this.#button.hidden !== hidden) this.#button.hidden = hidden;
    if (stream === null) return;
    setAttribute(this.#button, "title", `Erase the last ${duration(stream.keptSeconds)}, for all who look`);
  }
}
