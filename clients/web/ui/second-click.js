/** Lets a button ask at its first click, and act at its second. */

import { setAttribute, setText } from "./dom.js";

const SURE_MS = 5000;

/**
 * @param {HTMLButtonElement} button
 * @param {{idle: string, asking: string, sign?: string}} words that stand on it; a sign in the place of
 *   the idle ones, which are then only said
 * @param {() => void} act
 * @param {string} about what it acts on, for those who do not see its place; "" where its words say so
 * @returns {() => void} takes the question back
 */
export function onSecondClick(button, words, act, about = "") {
  let timer = 0;
  let isAsking = false;
  const ask = (/** @type {boolean} */ asks) => {
    window.clearTimeout(timer);
    if (asks) timer = window.setTimeout(() => ask(false), SURE_MS);
    isAsking = asks;
    const said = asks ? words.asking : words.idle;
    setText(button, asks ? words.asking : words.sign ?? words.idle);
    if (about !== "") setAttribute(button, "aria-label", `${said} ${about}`);
    button.classList.toggle("is-asking", asks);
  };
  ask(false);
  button.addEventListener("click", () => {
    const isSure = isAsking;
    ask(!isSure);
    if (isSure) act();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isAsking) return;
    event.preventDefault();
    ask(false);
  });
  return () => {
    if (isAsking) ask(false);
  };
}
