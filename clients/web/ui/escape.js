/** Closes what lies open over the page, one thing for each press of Escape. */

/**
 * @typedef {object} Layer
 * @property {() => boolean} isOpen
 * @property {() => void} close gives the focus back, too
 */

/** @param {Layer[]} layers the topmost first */
export function closeOnEscape(layers) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") !== null) return; // closes by itself
    const open = layers.find((layer) => layer.isOpen());
    if (open === undefined) return;
    event.preventDefault();
    open.close();
  });
}
