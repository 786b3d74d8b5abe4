/** Writes numbers, times, names and states as the page shows them. */

/** How each state reads on the page. */
export const STATE_WORDS = Object.freeze({
  warmup: "warming up",
  silence: "silence",
  uncertain: "uncertain",
  speech: "speech",
});

/** How each status of a source reads, where it stands in the place of a label. */
export const STATUS_WORDS = Object.freeze({
  ended: "ended",
  muted: "muted",
  stalled: "no sound",
  reconnecting: "source lost",
});

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

/** @param {number} share between 0 and 1 */
export const percent = (share) => `${Math.round(100 * share)}\u202f%`;

/** @param {number} unixSeconds @returns {string} the time of day */
export const timeOfDay = (unixSeconds) => clock.format(new Date(unixSeconds * 1000));

/** @param {number} unixSeconds @returns {string} the day where the viewer is, such as "2026-11-29" */
export function dayOf(unixSeconds) {
  const then = new Date(unixSeconds * 1000);
  return [then.getFullYear(), then.getMonth() + 1, then.getDate()]
    .map((part) => String(part).padStart(2, "0")).join("-");
}

const hoursAndMinutes = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const daysOfThisYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const days = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** @param {number} unixSeconds @returns {string} the time of a moment of today, else the day */
export function dayOrTime(unixSeconds) {
  const then = new Date(unixSeconds * 1000);
  return (then.toDateString() === new Date().toDateString() ? hoursAndMinutes : days).format(then);
}

/** @param {number} unixSeconds @returns {string} the time of a moment of today, else the day with it */
export function dayAndTime(unixSeconds) {
  const [then, now] = [new Date(unixSeconds * 1000), new Date()];
  const time = hoursAndMinutes.format(then);
  if (then.toDateString() === now.toDateString()) return time;
  const day = then.getFullYear() === now.getFullYear() ? daysOfThisYear : days;
  return `${day.format(then)}, ${time}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** @param {number} bytes @returns {string} such as "812 B", "41 kB", "33.6 MB", in powers of 1000 */
export function storage(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value.toFixed(unit < 2 || value >= 99.95 ? 0 : 1)}\u202f${UNITS[unit]}`;
}

/** @param {import("../state/events.js").Room} room @returns {string} "" for one that is connected */
export function reachOf({ state, since }) {
  if (state === "connected") return "";
  return state === "connecting" ? "connecting" : `not reachable since ${dayOrTime(since)}`;
}

/** @param {number} seconds of a file @returns {string} such as "0:04", "2:05", "1:03:00" */
export function playTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const total = Math.floor(whole / 60);
  if (total < 60) return `${total}:${two(whole % 60)}`;
  return `${Math.floor(total / 60)}:${two(total % 60)}:${two(whole % 60)}`;
}

/** @param {number} seconds @returns {string} such as "4 s", "2 min 5 s", "1 h 3 min" */
export function duration(seconds) {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

const LONGEST_NAME = 60;

/**
 * @param {string} name as some program chose it
 * @returns {string} short enough for a label, without the control and direction characters
 *   that could disturb the text around it
 */
export function shownName(name) {
  const clean = [...name.replace(/[\p{C}\p{Z}]+/gu, " ").trim()];
  if (clean.length === 0) return "(unnamed)";
  return clean.length > LONGEST_NAME ? `${clean.slice(0, LONGEST_NAME - 1).join("")}…` : clean.join("");
}
