/** Asks for the token that a daemon wants. */

import { element, setText } from "../ui/dom.js";

export class TokenDialog {
  #dialog = element("token", HTMLDialogElement);
  #input = element("token-input", HTMLInputElement);
  #wrong = element("token-wrong", HTMLElement);

  /** @param {(token: string) => void} onGiven called when a token has been entered */
  constructor(onGiven) {
    element("token-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault(); // the token must not become part of an address
      const given = this.#input.value.trim();
      this.#input.value = "";
      this.#dialog.close();
      onGiven(given);
    });
    element("token-later", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
  }

  /** @param {string} wrong what was wrong with what the daemon has refused, "" for nothing */
  ask(wrong) {
    setText(this.#wrong, wrong);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.focus();
  }
}
