/** Takes in files that are dropped anywhere on the page, or chosen with a button. */

import { element } from "../ui/dom.js";

/** @param {DragEvent} event */
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

/**
 * @param {() => boolean} isOpen whether the daemon takes files at this moment
 * @param {(files: File[]) => void} onFiles
 */
export function listenToDrops(isOpen, onFiles) {
  const overlay = element("drop-overlay", HTMLElement);
  const input = element("file-input", HTMLInputElement);
  // Moving over a child leaves its parent: only the balance shows whether the page was left.
  let depth = 0;
  const settle = () => {
    overlay.hidden = depth === 0;
  };

  window.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event) || !isOpen()) return;
    depth += 1;
    settle();
  });
  window.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    settle();
  });
  // Without these two the browser would leave the page and show the file instead.
  window.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = isOpen() ? "copy" : "none";
  });
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    settle();
    if (isOpen()) onFiles([...event.dataTransfer?.files ?? []]);
  });

  element("choose", HTMLButtonElement).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles([...input.files ?? []]);
    input.value = ""; // the same file may be chosen again
  });
}
