/** Shows which label followed which, as a table of counts. */

import { LABELS } from "../../../clients/web/state/events.js";
import { element } from "../../../clients/web/ui/dom.js";
import { glyphElement } from "../../../clients/web/ui/glyphs.js";
import { percent } from "../../../clients/web/ui/words.js";

const COUNT = LABELS.length;

/** @param {number} label @param {"col"|"row"} scope */
function head(label, scope) {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.dataset.label = LABELS[label];
  const name = document.createElement("span");
  name.textContent = LABELS[label];
  cell.title = LABELS[label];
  cell.append(glyphElement(LABELS[label]), name);
  return cell;
}

export class TransitionsPanel {
  #table = element("transitions", HTMLTableElement);
  #none = element("transitions-none", HTMLElement);

  /** @param {import("./sums.js").Sums} sums */
  show({ transitions }) {
    const total = transitions.reduce((sum, count) => sum + count, 0);
    this.#table.hidden = total === 0;
    this.#none.hidden = total > 0;
    const at = (/** @type {number} */ from, /** @type {number} */ to) => transitions[COUNT * from + to];
    const shown = LABELS.map((_, label) => label)
      .filter((label) => LABELS.some((_, other) => at(label, other) + at(other, label) > 0));
    const top = document.createElement("tr");
    const corner = document.createElement("td");
    corner.textContent = "from ↓ to →";
    top.append(corner, ...shown.map((label) => head(label, "col")));
    const rows = shown.map((from) => {
      const row = document.createElement("tr");
      const sum = LABELS.reduce((count, _, to) => count + at(from, to), 0);
      row.append(head(from, "row"), ...shown.map((to) => {
        const cell = document.createElement("td");
        const count = at(from, to);
        const share = sum > 0 ? count / sum : 0;
        cell.textContent = count === 0 ? "·" : String(count);
        cell.classList.toggle("is-nothing", count === 0);
        cell.dataset.label = LABELS[to];
        cell.style.setProperty("--share", `${Math.round(32 * share)}%`);
        cell.title = `${LABELS[from]} to ${LABELS[to]}: ${count} of ${sum}, ${percent(share)}`;
        return cell;
      }));
      return row;
    });
    this.#table.tHead?.replaceChildren(top);
    this.#table.tBodies[0].replaceChildren(...rows);
  }
}
