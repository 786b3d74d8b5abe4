/**
 * Takes files in and has them analysed; shows, keeps and deletes their results, and what the daemon
 * has recorded.
 */

import { SessionStream } from "../state/session-stream.js";
import { FileStream } from "../state/file-stream.js";
import { element, setText } from "../ui/dom.js";
import { duration, shownName } from "../ui/words.js";
import { listenToDrops } from "./drop.js";
import { EntriesPanel } from "./entries-panel.js";
import { entriesOf, keyOf as entryKey } from "./entries.js";
import { FilesPanel } from "./files-panel.js";
import { keyOf } from "./job.js";
import { Library } from "./library.js";
import { Queue } from "./queue.js";
import { Sessions } from "./sessions.js";
import { interrupted, remember } from "./unfinished.js";

/**
 * @typedef {object} FilesPage what the page does for its files
 * @property {(message: Record<string, unknown>) => boolean} send to the daemon
 * @property {(fileStream: FileStream|null) => void} show null goes back to the live streams
 * @property {(text: string) => void} say to the viewer
 */

export class Files {
  #library = new Library();
  #root = element("files", HTMLElement);
  #toggle = element("files-toggle", HTMLButtonElement);
  #queue;
  #panel;
  #entriesPanel;
  #sessions;
  #daemon;
  #page;
  #acceptsFiles = false;
  #keepsHistory = false;
  #hasSessions = false;
  /** What was asked of the daemon and has not come yet.
   * @type {number|null} */
  #recalled = null;
  /** The parts of it that have come.
   * @type {import("../state/events.js").EmotionEvent[]} */
  #recalledEvents = [];
  /** @type {FileStream|null} */
  #shown = null;
  /** What was listed last, and of what it was made.
   * @type {{results: object, sessions: object, entries: import("./entries.js").Entry[]}} */
  #listed = { results: [], sessions: [], entries: [] };
  /** What the page before this one did not finish. */
  #interrupted = interrupted();

  /** @param {import("../daemon/client-stream.js").Daemon} daemon @param {FilesPage} page */
  constructor(daemon, page) {
    this.#daemon = daemon;
    this.#page = page;
    this.#queue = new Queue(daemon, (job) => this.#follow(job), (fileStream, job) => this.#keep(fileStream, job));
    this.#panel = new FilesPanel({
      remove: (job) => {
        if (job.fileStream !== null && job.fileStream === this.#shown) page.show(null);
        this.#queue.remove(job);
      },
      retry: (job) => this.#queue.add(job.file),
      watch: (job) => page.show(job.fileStream),
      putAway: (key) => this.#forgetInterrupted((file) => file.key === key),
    });
    this.#sessions = new Sessions(daemon, page);
    this.#entriesPanel = new EntriesPanel({
      select: ({ id }) => {
        this.#recalled = null; // a file that is still to come
        if (typeof id === "number") this.#select(id);
        else this.#sessions.select(id);
        element("now", HTMLElement).scrollIntoView({ block: "nearest" });
      },
      forget: ({ id }) => (typeof id === "number" ? this.#forget(id) : this.#sessions.forget(id)),
    });
    listenToDrops(() => this.#acceptsFiles, (files) => this.add(files));
    this.#toggle.addEventListener("click", () => {
      this.#open(Boolean(this.#root.hidden));
      if (!this.#root.hidden && this.#hasSessions) this.#sessions.ask(); // there may be new ones
      // On a narrow screen it may stand below the fold.
      if (!this.#root.hidden) this.#root.scrollIntoView({ block: "nearest" });
    });
    element("files-close", HTMLButtonElement).addEventListener("click", () => this.close());
    window.addEventListener("beforeunload", (event) => {
      // The browser asks in its own words.
      if (this.#queue.unfinished.length > 0) event.preventDefault();
    });
    if (this.#interrupted.length > 0) this.#open(true);
  }

  /** @param {(file: import("./unfinished.js").Unfinished) => boolean} isDone */
  #forgetInterrupted(isDone) {
    this.#interrupted = this.#interrupted.filter((file) => !isDone(file));
    this.#remember();
  }

  #remember() {
    const now = this.#queue.unfinished.map(({ key, file, since }) => ({ key, name: file.name, since }));
    remember([...this.#interrupted, ...now]);
  }

  isOpen() {
    return !this.#root.hidden;
  }

  close() {
    this.#open(false);
    this.#toggle.focus();
  }

  /** @param {import("../state/events.js").Hello} hello */
  onHello(hello) {
    this.#acceptsFiles = hello.mostClientStreams > 0;
    this.#keepsHistory = hello.keepsHistory;
    this.#hasSessions = hello.hasSessions;
    const isOffered = this.#acceptsFiles || this.#hasSessions;
    this.#toggle.hidden = !isOffered;
    element("files-choose", HTMLElement).hidden = !this.#acceptsFiles;
    setText(element("files-title", HTMLElement), this.#hasSessions ? "Files and recordings" : "Files");
    setText(element("files-limit", HTMLElement), duration(hello.mostFileSeconds));
    if (!isOffered) this.#open(false);
    this.#sessions.forgetAll();
    if (this.#hasSessions) this.#sessions.ask();
    if (this.#keepsHistory) this.#page.send({ type: "history" });
  }

  /** @param {import("../daemon/replies.js").Reply} reply */
  receive(reply) {
    this.#sessions.receive(reply, this.#shown);
    if (reply.type === "history") {
      const shownId = this.#library.idOf(this.#shown);
      const deleted = this.#library.update(reply.files).map(({ id }) => id);
      // The daemon had the whole of it, and has finished alone.
      this.#forgetInterrupted(({ name, since }) =>
        reply.files.some((file) => file.name === name && file.time > since));
      if (shownId !== null && deleted.includes(shownId)) this.#page.show(null);
      if (this.#recalled !== null && deleted.includes(this.#recalled)) this.#recalled = null;
    } else if (reply.type === "recalled" && reply.result.id !== null) {
      this.#recalledEvents = reply.isFirst ? reply.events : [...this.#recalledEvents, ...reply.events];
      if (!reply.isLast) return;
      const fileStream = FileStream.from(reply.result, this.#recalledEvents, this.#daemon.strideSeconds());
      this.#recalledEvents = [];
      this.#library.cache(reply.result.id, fileStream);
      if (this.#recalled !== reply.result.id) return; // another one has been chosen since
      this.#recalled = null;
      this.#page.show(fileStream);
    } else if (reply.type === "error" && reply.about === "recall") {
      this.#recalled = null;
    } else if (reply.type === "error" && reply.about === "forget") {
      this.#library.keepFirstDeleting();
    }
  }

  /** The link to the daemon is lost, and with it whatever it had not answered. */
  loseLink() {
    this.#sessions.loseLink();
    const [first, ...others] = this.#library.keepAllDeleting();
    if (first === undefined) return;
    const what = others.length === 0 ? `“${shownName(first.name)}”` : `${others.length + 1} files`;
    this.#page.say(`${what} could not be deleted. The connection was lost.`);
  }

  /** @param {File[]} files */
  add(files) {
    this.#open(true);
    for (const file of files) {
      const known = this.#library.idFor(keyOf(file));
      if (known !== null) {
        this.#page.say(`“${shownName(file.name)}” is already analysed. Here it is.`);
        this.#select(known);
      } else if (!this.#queue.add(file)) {
        this.#page.say(`“${shownName(file.name)}” is already being analysed.`);
      }
    }
  }

  /** @param {FileStream|null} shown what the page shows @param {number} nowMs */
  draw(shown, nowMs) {
    this.#shown = shown;
    if (this.#root.hidden) return;
    this.#panel.showJobs(this.#queue.jobs, nowMs);
    this.#panel.showInterrupted(this.#interrupted);
    const [{ results }, { listed: sessions }] = [this.#library, this.#sessions];
    if (results !== this.#listed.results || sessions !== this.#listed.sessions) {
      this.#listed = { results, sessions, entries: entriesOf(results, sessions) };
    }
    const { entries } = this.#listed;
    const deleting = entries.filter(({ id }) => (typeof id === "number"
      ? this.#library.isDeleting(id) : this.#sessions.isDeleting(id)));
    const { unlisted, unlistedBytes } = this.#sessions;
    this.#entriesPanel.show({
      entries, unlisted, unlistedBytes, shownKey: this.#keyOf(shown), deleting: deleting.map(({ key }) => key),
      keepsHistory: this.#keepsHistory, hasSessions: this.#hasSessions,
    });
  }

  /** @param {FileStream|null} shown @returns {string|null} the key of its entry */
  #keyOf(shown) {
    if (shown instanceof SessionStream) return entryKey(shown.session.id, "session");
    const id = this.#library.idOf(shown);
    return id === null ? null : entryKey(id, "file");
  }

  /** @param {boolean} isOpen */
  #open(isOpen) {
    this.#root.hidden = !isOpen;
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
  }

  /** @param {import("./job.js").Job|null} job */
  #follow(job) {
    const keys = new Set(this.#queue.jobs.map(({ key }) => key));
    this.#forgetInterrupted(({ key }) => keys.has(key));
    if (job === null) return;
    if (job.phase === "analysing") this.#page.show(job.fileStream);
    // Where the panel is open, it says so itself.
    if (job.phase === "failed" && this.#root.hidden) this.#page.say(`“${shownName(job.file.name)}”: ${job.problem}`);
  }

  /** @param {FileStream} fileStream @param {import("./job.js").Job} job */
  #keep(fileStream, job) {
    const { result } = fileStream;
    if (result === null) return;
    this.#library.add(fileStream, result, job.key);
    if (!this.#keepsHistory) return;
    this.#page.send({ type: "history" });
    if (result.id === null) {
      this.#page.say(`“${fileStream.title}” could not be saved. Its result is gone when you close this page.`);
    }
  }

  /** @param {number} id */
  #select(id) {
    const fileStream = this.#library.fileStream(id);
    this.#recalled = fileStream === null ? id : null;
    if (fileStream !== null) this.#page.show(fileStream);
    else if (!this.#page.send({ type: "recall", id })) this.#page.say("The daemon does not answer.");
  }

  /** @param {number} id */
  #forget(id) {
    if (id > 0) {
      // The row stays until the daemon's history no longer has it: it may die before it has written.
      if (this.#page.send({ type: "forget", ids: [id] })) this.#library.markDeleting(id);
      else this.#page.say("The daemon does not answer. Nothing was deleted.");
      return;
    }
    const fileStream = this.#library.fileStream(id);
    if (fileStream !== null && fileStream === this.#shown) this.#page.show(null);
    this.#library.forget(id);
  }
}
