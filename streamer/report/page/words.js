/** Writes how long something lasted. */

import { duration } from "../../../clients/web/ui/words.js";

/** @param {number} seconds @returns {string} such as "4.3 s", "2 min 5 s", "1 h 3 min" */
export const lasting = (seconds) => (seconds < 59.95 ? `${seconds.toFixed(1)} s` : duration(Math.round(seconds)));
