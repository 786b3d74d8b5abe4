/** Shows one sentence across the page: what was refused, or could not be done. */

import { element, setText } from "./dom.js";

export class Notice {
  #root = element("notice", HTMLElement);
  #text = element("notice-text", HTMLElement);

  constructor() {
    element("notice-close", HTMLButtonElement).addEventListener("click", () => this.close());
  }

  isOpen() {
    return !this.#root.hidden;
  }

  close() {
    this.#root.hidden = true;
    setText(this.#text, "");
  }

  /** @param {string} text read out at once by a screen reader */
  say(text) {
    this.#root.hidden = false;
    // Said twice, it would be no change, and silent.
    setText(this.#text, this.#text.textContent === text ? `${text}\u200b` : text);
  }
}
