/** Shows the owner a QR code with which a phone is paired, until it is used or too old, and who is paired. */

import { element, setAttribute, setText } from "../ui/dom.js";
import { shownName } from "../ui/words.js";
import { DeviceList } from "./device-list.js";

/** Why a code ended, for people. @type {Record<string, string>} */
const ENDS = {
  "expired": "The code is too old now.",
  "wrong-codes": "Too many wrong codes came, so this one ended.",
  "replaced": "Another code was asked for, so this one ended.",
  "failed": "The daemon cannot write its list of devices. See its log.",
};

const REQUESTS = new Set(["pair", "cancel-pairing", "devices", "revoke"]);

/** @typedef {import("./replies.js").Reply} Reply */

/** @param {Reply} reply @returns {boolean} whether it answers what the dialog has asked */
export const isOfPairing = (reply) => reply.type === "error" && REQUESTS.has(reply.about);

export class PhoneDialog {
  #button = element("phone", HTMLButtonElement);
  #dialog = element("pairing", HTMLDialogElement);
  #form = element("pairing-form", HTMLFormElement);
  #name = element("pairing-name", HTMLInputElement);
  #offer = element("pairing-offer", HTMLElement);
  #code = element("pairing-code", SVGSVGElement);
  #modules = element("pairing-modules", SVGPathElement);
  #fingerprint = element("pairing-fingerprint", HTMLElement);
  #state = element("pairing-state", HTMLElement);
  #send;
  #list;
  /** The name of the device that is being revoked, "" for none. */
  #revoking = "";
  #until = 0;
  #timer = 0;

  /** @param {(message: Record<string, unknown>) => void} send */
  constructor(send) {
    this.#send = send;
    this.#list = new DeviceList((name) => {
      this.#revoking = name;
      send({ type: "revoke", name });
    });
    this.#button.addEventListener("click", () => {
      this.#ready("");
      this.#name.value = "";
      send({ type: "devices" });
      this.#dialog.showModal();
      this.#name.focus();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      send({ type: "pair", name: this.#name.value.trim() });
    });
    element("pairing-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      send({ type: "cancel-pairing" }); // also a code that was asked for and has yet to come
      this.#ready("");
      this.#list.show([]);
    });
  }

  /** @param {boolean} isOffered whether the daemon pairs, and this page is the owner's */
  offer(isOffered) {
    if (this.#button.hidden === isOffered) this.#button.hidden = !isOffered;
    if (!isOffered && this.#dialog.open) this.#dialog.close();
  }

  /** @param {Reply} reply */
  receive(reply) {
    if (!this.#dialog.open) return;
    if (reply.type === "pairing") {
      this.#draw(reply.rows);
      setText(this.#fingerprint, reply.fingerprint.replace(/((?:..:){7}..):/g, "$1:\n"));
      this.#form.hidden = true;
      this.#offer.hidden = false;
      this.#until = performance.now() + 1000 * reply.seconds;
      this.#count();
      this.#timer = window.setInterval(() => this.#count(), 1000);
    } else if (reply.type === "pairing-ended") {
      this.#ready(reply.reason === "used" ? `${shownName(reply.name)} is paired.` : ENDS[reply.reason] ?? "");
      if (reply.reason === "used") this.#send({ type: "devices" });
    } else if (reply.type === "devices") {
      this.#list.show(reply.devices);
      if (this.#revoking !== "") setText(this.#state, `${shownName(this.#revoking)} is let in no more.`);
      this.#revoking = "";
    } else if (reply.type === "error" && isOfPairing(reply)) {
      this.#ready(reply.detail);
      this.#revoking = "";
      if (reply.about === "revoke") this.#send({ type: "devices" }); // it may be out all the same
    }
  }

  /** @param {string} state */
  #ready(state) {
    window.clearInterval(this.#timer);
    this.#form.hidden = false;
    this.#offer.hidden = true;
    setText(this.#state, state);
  }

  #count() {
    const seconds = Math.max(0, Math.round((this.#until - performance.now()) / 1000));
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    setText(this.#state, `Valid once, for ${time}`);
  }

  /** @param {string[]} rows "1" for a dark module */
  #draw(rows) {
    const runs = rows.flatMap((row, y) => [...row.matchAll(/1+/g)].map(
      ({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`,
    ));
    setAttribute(this.#code, "viewBox", `0 0 ${rows.length} ${rows.length}`);
    setAttribute(this.#modules, "d", runs.join(""));
  }
}
