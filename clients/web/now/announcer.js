/**
 * Announces label changes and the result of a file to screen readers, and nothing else: four events
 * a second would be too many.
 */

import { element, setText } from "../ui/dom.js";

const PAUSE_MS = 1500;

export class Announcer {
  #region = element("announcer", HTMLElement);
  #said = "";
  #saidAtMs = -Infinity;

  /** @param {import("./situation.js").Situation} situation @param {number} nowMs */
  announce(situation, nowMs) {
    const { kind, label, news } = situation;
    // A silence between two sentences is not announced; the loss of the daemon is.
    const text = news ?? label ?? (kind === "offline" || kind === "ended" || kind === "muted" ? situation.word : "");
    if (text === "" || text === this.#said || nowMs - this.#saidAtMs < PAUSE_MS) return;
    this.#said = text;
    this.#saidAtMs = nowMs;
    setText(this.#region, text);
  }
}
