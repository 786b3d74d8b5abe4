/** Shows the line under the header while the browser's microphone is on, or cannot be. */

import { element, setAttribute, setText } from "../ui/dom.js";
import { shareOfLevel } from "../ui/level.js";
import { duration } from "../ui/words.js";

/** @param {import("./voice.js").Voice} voice @returns {string} */
function sentence(voice) {
  switch (voice.phase) {
    case "asking": return "Please allow this page to use your microphone.";
    case "starting": return "Your microphone is on. Waiting for the daemon…";
    case "waiting": return "Your microphone is on. The daemon does not answer. Trying again…";
    case "on": return voice.isPublic ? "Your microphone is on. Everyone connected sees the result."
      : "Your microphone is on. Only this page sees the result.";
    default: return voice.problem;
  }
}

export class VoiceStrip {
  #root = element("voice", HTMLElement);
  #text = element("voice-text", HTMLElement);
  #level = element("voice-level", HTMLElement);
  #bar = element("voice-bar", HTMLElement);
  #dropped = element("voice-dropped", HTMLElement);
  #public = element("voice-public", HTMLInputElement);
  #publicLabel = element("voice-public-label", HTMLElement);
  #stop = element("voice-stop", HTMLButtonElement);
  #speak = element("speak", HTMLButtonElement);
  #isPutAway = true;
  #voice;

  /** @param {import("./voice.js").Voice} voice */
  constructor(voice) {
    this.#voice = voice;
    this.#speak.addEventListener("click", () => {
      if (voice.phase === "off") this.#begin();
      else this.#putAway();
    });
    this.#stop.addEventListener("click", () => {
      this.#putAway();
      this.#speak.focus();
    });
    this.#public.addEventListener("change", () => voice.publish(this.#public.checked));
  }

  #begin() {
    this.#isPutAway = false;
    void this.#voice.start();
  }

  #putAway() {
    this.#voice.stop();
    this.#isPutAway = true;
    this.show();
  }

  /** Draws what has changed; the level on every call. */
  show() {
    const voice = this.#voice;
    const isOn = voice.phase !== "off";
    this.#root.hidden = this.#isPutAway || (!isOn && voice.problem === "");
    setAttribute(this.#root, "data-phase", voice.phase);
    setAttribute(this.#speak, "aria-pressed", String(isOn));
    if (this.#root.hidden) return;
    setText(this.#text, sentence(voice));
    setText(this.#stop, isOn ? "Stop" : "Close");
    const isListening = isOn && voice.phase !== "asking";
    this.#level.hidden = !isListening;
    this.#publicLabel.hidden = !isListening;
    const share = shareOfLevel(voice.levelDbfs);
    this.#bar.style.transform = `scaleX(${share.toFixed(3)})`;
    setAttribute(this.#level, "aria-valuenow", String(Math.round(voice.levelDbfs)));
    const { droppedSeconds } = voice;
    setText(this.#dropped, droppedSeconds < 1 ? ""
      : `The network is too slow: ${duration(droppedSeconds)} of sound were skipped.`);
  }
}
