/** Plays the sound of a file, and knows where in it the playhead stands. */

export class Player {
  #audio = new Audio();
  /** @type {import("../state/file-stream.js").FileStream|null} */
  #fileStream = null;
  #address = "";
  /** Holds without sound, too. */
  #position = 0;
  #touched = false;
  /** Why the sound cannot be played, "" where it can. */
  problem = "";
  #onChange;

  /** @param {() => void} onChange called when it starts, stops or fails */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#audio.preload = "auto";
    for (const name of ["play", "pause", "ended", "error"]) {
      this.#audio.addEventListener(name, () => this.#changed(name));
    }
  }

  /** @param {import("../state/file-stream.js").FileStream|null} fileStream null puts everything away */
  open(fileStream) {
    if (fileStream === this.#fileStream) return;
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    URL.revokeObjectURL(this.#address);
    this.#fileStream = fileStream;
    this.#position = 0;
    this.#touched = false;
    this.#address = fileStream?.file ? URL.createObjectURL(fileStream.file) : "";
    this.problem = "";
    if (this.#address !== "") this.#audio.src = this.#address;
    else if (fileStream !== null) this.problem = fileStream.silence;
  }

  get canPlay() {
    return this.problem === "";
  }

  get isPlaying() {
    return !this.#audio.paused;
  }

  /** Whether the viewer has played or put it anywhere: before, the file is looked at as a whole. */
  get isTouched() {
    return this.#touched;
  }

  /** In seconds. */
  get position() {
    if (this.canPlay && this.#audio.readyState > 0) return this.#audio.currentTime;
    return this.#position;
  }

  toggle() {
    if (this.isPlaying) this.#audio.pause();
    else this.play();
  }

  play() {
    if (!this.canPlay) return;
    this.#touched = true;
    // Refused where it was put away in the meantime, which needs no words.
    this.#audio.play().catch(() => {});
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.#touched = true;
    this.#position = Math.min(this.#fileStream?.durationSeconds ?? 0, Math.max(0, seconds));
    if (this.canPlay) this.#audio.currentTime = this.#position;
    this.#onChange();
  }

  /** Back to the whole file. */
  rewind() {
    this.#audio.pause();
    this.seek(0);
    this.#touched = false;
  }

  /** @param {string} event */
  #changed(event) {
    if (event === "error" && this.#address !== "") this.problem = "this browser cannot play it";
    this.#onChange();
  }
}
