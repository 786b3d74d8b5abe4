/** Finds and changes the page's own elements; nothing here ever parses HTML. */

/**
 * @template {Element} T
 * @param {string} id @param {new () => T} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} with the id ${id}.`);
  return found;
}

/**
 * Writes only what differs: an unchanged text costs no layout and is not announced again.
 * @param {Element} node @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string} value */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** @param {string} name of the element @param {string} className @param {Node|string} content */
export function part(name, className, content) {
  const made = document.createElement(name);
  made.className = className;
  made.append(content);
  return made;
}
