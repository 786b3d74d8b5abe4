/** Holds one track: a recording, or what one speaker says in it, as the timeline takes it. */

import { EventBuffer } from "../../../clients/web/state/event-buffer.js";
import { LABELS } from "../../../clients/web/state/events.js";
import { FileStream } from "../../../clients/web/state/file-stream.js";
import { shownName } from "../../../clients/web/ui/words.js";
import { RunningSums } from "./running-sums.js";
import { soundOf } from "./unpack.js";

const COUNT = LABELS.length;
/** Of the arrays that packed ones replace: with ten thousand tracks, room for their events would count. */
const ROOM_SECONDS = 0;

/** Events that are all there from the start. They are read alone. */
class PackedEvents extends EventBuffer {
  #all;
  #hasClock;
  /** @type {RunningSums|null} made when a stretch is measured */
  #sums = null;

  /** @param {import("./unpack.js").TrackAbout} about @param {(name: string) => Float64Array} column */
  constructor(about, column) {
    super(about.strideSeconds, ROOM_SECONDS);
    this.durationSeconds = about.durationSeconds;
    const { count, originSeconds } = about;
    this.#hasClock = about.hasClock;
    this.capacity = Math.max(1, count);
    this.next = count;
    this.seq = column("seq");
    this.end = column("end");
    this.position = this.end.map((end) => end - originSeconds);
    this.start = column("window").map((seconds, id) => this.end[id] - seconds);
    this.time = column("clock").map((offset, id) => this.end[id] + offset);
    this.dropped = column("dropped");
    this.state = Uint8Array.from(column("state"));
    this.status = Uint8Array.from(column("status"));
    this.#all = Int8Array.from(column("label"));
    this.label = this.#all;
    this.hasScores = Uint8Array.from(column("scored"));
    this.speechRatio = Float32Array.from(column("speech"));
    this.levelDbfs = Float32Array.from(column("level"));
    this.ageMs = new Float32Array(count).fill(NaN);
    this.scores = this.#interleaved(column, "score");
    this.raw = this.#interleaved(column, "raw");
    // By the protocol, the confidence is the score of the label.
    this.confidence = Float32Array.from(this.#all, (label, id) => (label < 0 ? 0 : this.scores[id * COUNT + label]));
  }

  /** @param {(name: string) => Float64Array} column @param {string} name */
  #interleaved(column, name) {
    const values = new Float32Array(this.next * COUNT);
    LABELS.forEach((label, index) => {
      column(`${name} ${label}`).forEach((value, id) => {
        values[id * COUNT + index] = value;
      });
    });
    return values;
  }

  get hasTimesOfDay() {
    return this.#hasClock;
  }

  /** @type {EventBuffer["measure"]} */
  measure(begin, end) {
    this.#sums ??= new RunningSums(this);
    return this.#sums.between(begin, end);
  }

  /** The labels as they were published, whatever is chosen. */
  get published() {
    return this.#all;
  }

  /** @param {ReadonlySet<number>} chosen indices of the labels to show; none for all */
  showOnly(chosen) {
    this.#sums = null;
    this.label = chosen.size === 0 ? this.#all : this.#all.map((label) => (chosen.has(label) ? label : -1));
  }
}

export class Track extends FileStream {
  /**
   * @param {import("./unpack.js").TrackAbout} about
   * @param {import("./unpack.js").Columns} columns @param {number} first index of its first event
   */
  constructor(about, columns, first) {
    super(about.name, about.strideSeconds, ROOM_SECONDS);
    this.durationSeconds = about.durationSeconds;
    this.about = about;
    this.isDemo = about.isDemo;
    const events = new PackedEvents(about, (name) => columns[name].subarray(first, first + about.count));
    this.events = events;
    this.packed = events;
    const path = about.name.split(/[/\\]/);
    const channel = about.channel === null ? "" : ` · channel ${about.channel}`;
    this.title = `${shownName(path.pop() ?? "")}${channel}`;
    /** Where the file lies, "" for nowhere in particular. */
    this.folder = path.length === 0 ? "" : shownName(path.join("/"));
    /** Whoever speaks: where nobody is named, the track stands for them. */
    this.speaker = about.speaker === null ? this.title : shownName(about.speaker);
  }

  /** The sound is unpacked when it is wanted. */
  open() {
    if (this.about.sound !== null && this.file === null) this.file = soundOf(this.about.sound);
  }
}
