/**
 * Remembers over a reload which files were under way. A page cannot keep the files themselves: the
 * viewer has to choose them again.
 */

/** Of this daemon alone: a proxy may show several, each under a path of its own. */
const KEY = `emotiond-unfinished ${new URL(".", window.location.href).pathname}`;

/** @typedef {{key: string, name: string, since: number}} Unfinished `since`: Unix time, in seconds */

/** @returns {Unfinished[]} what a page of this tab before was analysing when it went */
export function interrupted() {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept)
      ? kept.filter((each) => typeof each?.key === "string" && typeof each?.name === "string"
        && typeof each?.since === "number")
      : [];
  } catch {
    return []; // storage may be forbidden, or hold something else
  }
}

/** @param {Unfinished[]} files to be remembered from now on */
export function remember(files) {
  try {
    if (files.length === 0) window.sessionStorage.removeItem(KEY);
    else window.sessionStorage.setItem(KEY, JSON.stringify(files));
  } catch {
    // as above
  }
}
