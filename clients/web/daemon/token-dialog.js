/** Asks for the token that a daemon wants, and keeps it for as long as the tab is open. */

import { element, setText } from "../ui/dom.js";

/** Of this daemon alone: a proxy may show several, each under a path of its own. */
const KEY = `emotiond-token ${new URL(".", window.location.href).pathname}`;

/** @returns {string} "" if none was given in this tab */
export function keptToken() {
  try {
    return window.sessionStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage may be forbidden; the token is then asked for on every visit
  }
}

/** @param {string} token "" to forget it */
function keep(token) {
  try {
    window.sessionStorage.setItem(KEY, token);
  } catch {
    // as above
  }
}

export class TokenDialog {
  #dialog = element("token", HTMLDialogElement);
  #input = element("token-input", HTMLInputElement);
  #wrong = element("token-wrong", HTMLElement);
  /** The token, even if nothing can be stored. */
  #given = keptToken();

  /** @param {() => void} onGiven called when a token has been entered */
  constructor(onGiven) {
    element("token-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault(); // the token must not become part of an address
      this.#given = this.#input.value.trim();
      keep(this.#given);
      this.#input.value = "";
      this.#dialog.close();
      onGiven();
    });
    element("token-later", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
  }

  get given() {
    return this.#given;
  }

  /** Opens the dialog; says so if the token that was sent was not the daemon's. */
  ask() {
    setText(this.#wrong, this.#given === "" ? "" : "That token is not right. Please try again.");
    this.#given = "";
    keep("");
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.focus();
  }
}
