/** Lists the paired devices to the owner, and revokes one after a second click. */

import { element, part } from "../ui/dom.js";
import { onSecondClick } from "../ui/second-click.js";
import { dayOrTime, shownName } from "../ui/words.js";

const WORDS = { idle: "Revoke", asking: "Revoke it?" };

/** @typedef {import("./replies.js").Device} Device */

/** @param {Device} device @returns {string} that breaks between its two facts alone */
function factsOf({ paired, seen, connections }) {
  const presence = connections > 0 ? "connected now" : `last let in ${dayOrTime(seen)}`;
  const facts = [presence, `paired ${dayOrTime(paired)}`];
  return facts.map((fact) => fact.replaceAll(" ", "\u00a0")).join(", ");
}

export class DeviceList {
  #section = element("devices", HTMLElement);
  #list = element("device-list", HTMLUListElement);
  #onRevoke;

  /** @param {(name: string) => void} onRevoke */
  constructor(onRevoke) {
    this.#onRevoke = onRevoke;
  }

  /**
   * The focus stays at its place in the list. A list that is gone gives it to the dialog's end.
   * @param {Device[]} devices in the order in which they were paired; the newest one is shown first
   */
  show(devices) {
    const held = [...this.#list.children].findIndex((row) => row.contains(document.activeElement));
    this.#list.replaceChildren(...devices.map((device) => this.#row(device)).reverse());
    this.#section.hidden = devices.length === 0;
    if (held < 0) return;
    const row = this.#list.children[Math.min(held, devices.length - 1)];
    (row?.querySelector("button") ?? element("pairing-close", HTMLButtonElement)).focus();
  }

  /** @param {Device} device */
  #row(device) {
    const name = shownName(device.name);
    const row = part("li", "device", "");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    onSecondClick(button, WORDS, () => this.#onRevoke(device.name), name);
    row.append(part("bdi", "device-name", name), part("span", "device-facts", factsOf(device)), button);
    return row;
  }
}
