/** Holds what is looked for: a name, a speaker, labels. */

import { LABELS } from "../../../clients/web/state/events.js";
import { element } from "../../../clients/web/ui/dom.js";
import { glyphElement } from "../../../clients/web/ui/glyphs.js";
import { sumsOfWhole } from "./sums.js";

export class Filter {
  #name = element("filter-name", HTMLInputElement);
  #speaker = element("filter-speaker", HTMLSelectElement);
  #labels = element("filter-labels", HTMLElement);
  #clear = element("filter-clear", HTMLButtonElement);
  /** Indices of the chosen labels; none for all.
   * @type {ReadonlySet<number>} */
  labels = new Set();
  #onChange;

  /** @param {readonly import("./track.js").Track[]} tracks @param {() => void} onChange */
  constructor(tracks, onChange) {
    this.#onChange = onChange;
    // Where nobody is named, the tracks are the speakers: names find them.
    element("filter-speaker-field", HTMLElement).hidden = !tracks.some(({ about }) => about.speaker !== null);
    const speakers = [...new Set(tracks.map(({ speaker }) => speaker))].sort((a, b) => a.localeCompare(b));
    this.#speaker.append(...speakers.map((speaker) => new Option(speaker)));
    for (const label of LABELS) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "button chip" });
      button.dataset.label = label;
      button.setAttribute("aria-pressed", "false");
      button.append(glyphElement(label), label);
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        this.#changed();
      });
      this.#labels.append(button);
    }
    this.#name.addEventListener("input", () => this.#changed());
    this.#speaker.addEventListener("change", () => this.#changed());
    this.#clear.addEventListener("click", () => {
      this.#name.value = "";
      this.#speaker.selectedIndex = 0;
      for (const button of this.#buttons) button.setAttribute("aria-pressed", "false");
      this.#changed();
      this.#labels.querySelector("button")?.focus();
    });
  }

  get #buttons() {
    return [...this.#labels.querySelectorAll("button")];
  }

  #changed() {
    this.labels = new Set(this.#buttons.flatMap((button, label) =>
      (button.getAttribute("aria-pressed") === "true" ? [label] : [])));
    this.#clear.hidden = this.labels.size === 0 && this.#name.value === "" && this.#speaker.selectedIndex === 0;
    this.#onChange();
  }

  /** @param {string} speaker shows their tracks alone */
  choose(speaker) {
    this.#speaker.value = speaker;
    this.#changed();
  }

  /** @param {import("./track.js").Track} track @returns {boolean} whether it is among what is looked for */
  admits(track) {
    const name = this.#name.value.trim().toLowerCase();
    const { labels } = sumsOfWhole(track);
    return track.name.toLowerCase().includes(name)
      && (this.#speaker.selectedIndex === 0 || track.speaker === this.#speaker.value)
      && (this.labels.size === 0 || [...this.labels].some((label) => labels[label] > 0));
  }
}
