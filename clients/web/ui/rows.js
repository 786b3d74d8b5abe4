/** Replaces the rows of a list. */

/**
 * A rebuilt list would lose the keyboard focus: it stays at the same button of the same place.
 * @param {HTMLElement} list @param {HTMLElement[]} rows
 * @param {() => HTMLElement} other gets the focus where no row is left
 */
export function replaceRows(list, rows, other) {
  const places = [...list.children];
  const held = places.findIndex((row) => row.contains(document.activeElement));
  const buttons = held < 0 ? [] : [...places[held].querySelectorAll("button")];
  const which = buttons.findIndex((each) => each === document.activeElement);
  list.replaceChildren(...rows);
  if (held < 0) return;
  const row = rows[Math.min(held, rows.length - 1)];
  const next = row?.querySelectorAll("button");
  if (next !== undefined && next.length > 0) next[Math.min(which, next.length - 1)].focus();
  else other().focus();
}

/**
 * @param {string} text @param {string} label what a screen reader says
 * @param {() => void} act
 */
export function plainButton(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button-plain";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}
