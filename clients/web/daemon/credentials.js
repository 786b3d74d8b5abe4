/** What opens the daemon to this page: a token for this tab, or one that this device has got by a code. */

import { ONLY_SHOWS } from "../ui/frame.js";

/** Of this daemon alone: a proxy may show several, each under a path of its own. */
const PLACE = new URL(".", window.location.href).pathname;
const TOKEN_KEY = `emotiond-token ${PLACE}`;
const DEVICE_KEY = `emotiond-device ${PLACE}`;
const CODE = /^#pair=([\w-]{1,64})$/;

/** @param {() => Storage} storage @param {string} key @returns {string} "" for nothing */
function read(storage, key) {
  try {
    return storage().getItem(key) ?? "";
  } catch {
    return ""; // storage may be forbidden; the token is then asked for on every visit
  }
}

/** @param {() => Storage} storage @param {string} key @param {string} value "" to forget it */
function write(storage, key, value) {
  try {
    if (value === "") storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // as above
  }
}

const ofTab = () => window.sessionStorage;
/** A paired phone stays paired when its tab is closed. */
const ofDevice = () => window.localStorage;

/** Takes the code out of the address bar and the history. @returns {string} "" for none */
function takeCode() {
  const code = CODE.exec(window.location.hash)?.[1] ?? "";
  if (code === "" || ONLY_SHOWS) return "";
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return code;
}

export class Credentials {
  #code = takeCode();
  #device = read(ofDevice, DEVICE_KEY);
  #token = read(ofTab, TOKEN_KEY);

  constructor() {
    // A code that is opened in this very tab loads nothing by itself.
    window.addEventListener("hashchange", () => {
      if (CODE.test(window.location.hash) && !ONLY_SHOWS) window.location.reload();
    });
  }

  /** The token to send, "" for none. */
  get token() {
    return this.#device || this.#token;
  }

  get isPaired() {
    return this.#device !== "";
  }

  /** @returns {Record<string, string>} the first message of a connection; an empty token asks whether one is wanted */
  firstMessage() {
    return this.#code === "" ? { type: "auth", token: this.token } : { type: "redeem", code: this.#code };
  }

  /** @param {string} token of the owner, for this tab */
  enter(token) {
    this.#token = token;
    write(ofTab, TOKEN_KEY, token);
  }

  /** @param {string} token of this device, for good */
  pair(token) {
    this.#code = "";
    this.#device = token;
    write(ofDevice, DEVICE_KEY, token);
  }

  /** Forgets what the daemon has refused. @returns {string} what was wrong, for people */
  refuse() {
    if (this.#code !== "") {
      this.#code = "";
      return "This code is used or too old. Show a new one, and scan that.";
    }
    if (this.#device !== "") {
      this.pair("");
      return "This device is not paired any more. Scan a new code, or enter the token.";
    }
    const wasWrong = this.#token !== "";
    this.enter("");
    return wasWrong ? "That token is not right. Please try again." : "";
  }
}
