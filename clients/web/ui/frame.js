/**
 * Notices a foreign frame, such as that of a dashboard. There the page only shows: what it can be made
 * to do by a click must not be at hand for whoever draws around or over it.
 */

import { element } from "./dom.js";

/** @returns {boolean} whether a page of another origin holds this one, or holds one that does */
function isInForeignFrame() {
  /** @type {Window} */
  let frame = window;
  while (frame !== frame.parent) {
    frame = frame.parent;
    try {
      if (frame.location.origin !== window.location.origin) return true;
    } catch {
      return true; // another origin's address is not for us to read
    }
  }
  return false;
}

/** Whether the page does nothing but show. */
export const ONLY_SHOWS = isInForeignFrame();

if (ONLY_SHOWS) {
  // Hides each part that has the attribute data-acts.
  document.body.classList.add("only-shows");
  element("whole-page", HTMLAnchorElement).hidden = false;
}
