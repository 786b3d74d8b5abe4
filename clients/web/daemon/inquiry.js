/**
 * Asks over plain HTTP why a WebSocket did not open: browsers keep the answer to a handshake from the
 * page. The daemon answers the same address in a sentence that names the flag.
 */

const ANSWER_MS = 4000;
/** Wrong origin, too many connections, unknown host name: in these the daemon says why. */
const REFUSALS = [403, 421, 503];
const UPGRADE_REQUIRED = 426;
/** Once may be a daemon that has just come back. */
const LOSSES_OF_A_PROXY = 2;
const LONGEST_TEXT = 400;

export class Inquiry {
  #losses = 0;

  /** @param {string} address of the WebSocket @returns {Promise<string>} the reason, "" for none that is known */
  async ask(address) {
    const url = new URL(address);
    url.protocol = url.protocol === "wss:" ? "https:" : "http:";
    url.searchParams.set("origin", window.location.origin);
    try {
      const options = { cache: /** @type {const} */ ("no-store"), signal: AbortSignal.timeout(ANSWER_MS) };
      const response = await fetch(url, options);
      this.#losses = response.status === UPGRADE_REQUIRED ? this.#losses + 1 : 0;
      if (this.#losses >= LOSSES_OF_A_PROXY) {
        return "The daemon answers, but the WebSocket does not reach it: a proxy in between has to pass "
          + "on the header Upgrade.";
      }
      // A proxy's own errors are pages.
      const isSentence = response.headers.get("Content-Type")?.startsWith("text/plain") ?? false;
      if (!REFUSALS.includes(response.status) || !isSentence) return "";
      const said = (await response.text()).trim().slice(0, LONGEST_TEXT);
      return said === "" ? "" : `The daemon refuses: ${said}.`;
    } catch {
      this.#losses = 0;
      return ""; // it does not answer at all
    }
  }

  /** Forgets what was learned: the connection is open. */
  reset() {
    this.#losses = 0;
  }
}
