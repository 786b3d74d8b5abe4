/** Shows how long each label held: a bar, a share and a duration for each. */

import { LABELS } from "../../../clients/web/state/events.js";
import { element, setText } from "../../../clients/web/ui/dom.js";
import { glyphElement } from "../../../clients/web/ui/glyphs.js";
import { percent } from "../../../clients/web/ui/words.js";
import { lasting } from "./words.js";

/** What no label stands for, after the labels. */
const OTHERS = Object.freeze(["uncertain", "silence"]);

export class SharesPanel {
  #rows;

  constructor() {
    const list = element("shares", HTMLUListElement);
    this.#rows = [...LABELS, ...OTHERS].map((name) => {
      const row = document.createElement("li");
      const label = LABELS.find((each) => each === name);
      row.dataset.label = label ?? "none";
      const [title, track, bar, share, seconds] = ["span", "span", "span", "span", "span"].map((tag) => document.createElement(tag));
      title.className = "bar-name";
      if (label !== undefined) title.append(glyphElement(label));
      title.append(name);
      track.className = "bar-track";
      bar.className = "share-bar";
      track.append(bar);
      share.className = "bar-value";
      seconds.className = "share-seconds";
      row.append(title, track, share, seconds);
      list.append(row);
      return { row, bar, share, seconds };
    });
  }

  /** @param {import("./sums.js").Sums} sums */
  show(sums) {
    const whole = sums.seconds;
    const values = [...sums.labels, sums.uncertainSeconds, sums.silentSeconds];
    const longest = Math.max(...values);
    this.#rows.forEach(({ row, bar, share, seconds }, index) => {
      const value = values[index];
      // The longest fills its track: small differences stay visible.
      bar.style.transform = `scaleX(${longest > 0 ? value / longest : 0})`;
      setText(share, percent(whole > 0 ? value / whole : 0));
      setText(seconds, lasting(value));
      row.classList.toggle("is-nothing", value === 0);
      row.classList.toggle("is-label", index === sums.longest);
    });
  }
}
