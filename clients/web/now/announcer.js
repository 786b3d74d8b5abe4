/**
 * Tells a screen reader when the label changes and what a file holds, and nothing else: four events
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
    // Silence between two sentences is no news; a page that has lost its daemon is.
    const text = news ?? label ?? (kind === "offline" || kind === "ended" || kind === "muted" ? situation.word : "");
    if (text === "" || text === this.#said || nowMs - this.#saidAtMs < PAUSE_MS) return;
    this.#said = text;
    this.#saidAtMs = nowMs;
    setText(this.#region, text);
  }
}
