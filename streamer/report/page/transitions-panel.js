/** Shows which label followed which, as a table of counts. */

import { LABELS } from "../../../clients/web/state/events.js";
import { element, setText } from "../../../clients/web/ui/dom.js";
import { glyphElement } from "../../../clients/web/ui/glyphs.js";
import { percent } from "../../../clients/web/ui/words.js";

const COUNT = LABELS.length;
/** Of the shade of a share of 1, in percent: numbers stay readable on it. */
const DARKEST = 32;

/** @param {import("../../../clients/web/state/events.js").Label} label @param {"col"|"row"} scope */
function head(label, scope) {
  const cell = document.createElement("th");
  Object.assign(cell, { scope, title: label });
  cell.dataset.label = label;
  const name = document.createElement("span");
  name.textContent = label;
  cell.append(glyphElement(label), name);
  return cell;
}

export class TransitionsPanel {
  #none = element("transitions-none", HTMLElement);
  /** At `COUNT * first + second`. */
  #cells;

  constructor() {
    const table = element("transitions", HTMLTableElement);
    const top = table.createTHead().insertRow();
    top.insertCell().textContent = "from ↓ to →";
    top.append(...LABELS.map((label) => head(label, "col")));
    const body = table.createTBody();
    this.#cells = LABELS.flatMap((from) => {
      const row = body.insertRow();
      row.append(head(from, "row"));
      return LABELS.map(() => row.insertCell());
    });
  }

  /** @param {import("./sums.js").Sums} sums */
  show({ transitions }) {
    this.#none.hidden = transitions.some((count) => count > 0);
    LABELS.forEach((from, row) => {
      const counts = transitions.subarray(COUNT * row, COUNT * (row + 1));
      const sum = counts.reduce((total, count) => total + count, 0);
      counts.forEach((count, column) => {
        const cell = this.#cells[COUNT * row + column];
        const share = sum > 0 ? count / sum : 0;
        setText(cell, count === 0 ? "·" : String(count));
        cell.classList.toggle("is-nothing", count === 0);
        cell.style.setProperty("--share", `${Math.round(DARKEST * share)}%`);
        cell.title = `${from} to ${LABELS[column]}: ${count} of ${sum}, ${percent(share)}`;
      });
    });
  }
}
