/** Puts the page together: messages go into the streams, each screen frame draws what they hold. */

import { Announcer } from "./announcer.js";
import { Bars } from "./bars.js";
import { Connection, socketAddress } from "./connection.js";
import { TimelineControls } from "./controls.js";
import { element, setAttribute, setText } from "./dom.js";
import { Facts } from "./facts.js";
import { Picker } from "./picker.js";
import { Plane } from "./plane.js";
import { Present } from "./present.js";
import { PROTOCOL_VERSION } from "./protocol.js";
import { situationOf } from "./situation.js";
import { Streams } from "./stream.js";
import { onThemeChange, readTheme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { TokenDialog } from "./token.js";
import { shownName } from "./words.js";

/** Without an event, texts that count seconds are refreshed this often. */
const REFRESH_MS = 250;

const streams = new Streams();
/** @type {import("./stream.js").Stream|null} */
let chosen = null;
/** @type {import("./stream.js").Stream|null} what the viewer picked since the daemon was found */
let picked = null;
/** @type {string|null} what the viewer asked for at any time, which may not exist yet */
let wanted = decodeName(window.location.hash);
/** @type {import("./protocol.js").Hello|null} */
let hello = null;
/** @type {import("./connection.js").LinkState} */
let link = { phase: "connecting", retryInSeconds: 0 };
/** @type {import("./protocol.js").EmotionEvent|null} the scores that hold at this moment */
let current = null;
let isStale = true;
let refreshedAtMs = 0;

const timeline = new Timeline(element("timeline-canvas", HTMLCanvasElement), readTheme());
const plane = new Plane(element("plane-canvas", HTMLCanvasElement), readTheme());
const controls = new TimelineControls(timeline, () => chosen, () => hello?.modelName ?? "");
const present = new Present();
const bars = new Bars();
const facts = new Facts();
const announcer = new Announcer();
const picker = new Picker((name) => {
  wanted = name;
  picked = streams.get(name) ?? null;
  window.history.replaceState(null, "", `#stream=${encodeURIComponent(name)}`);
  choose();
});
const linkMark = element("link", HTMLElement);
const linkText = element("link-text", HTMLElement);
const retryButton = element("retry", HTMLButtonElement);
const demoMark = element("demo-mark", HTMLElement);

/** @param {string} hash @returns {string|null} */
function decodeName(hash) {
  try {
    return hash.startsWith("#stream=") ? decodeURIComponent(hash.slice("#stream=".length)) : null;
  } catch {
    return null;
  }
}

/**
 * Shows the wanted stream, or the daemon's default one until the wanted one appears. One that a
 * restarted daemon no longer has is shown only to whoever picks it then, to look back.
 */
function choose() {
  const present = (/** @type {string|undefined} */ name) => {
    const stream = name === undefined ? undefined : streams.get(name);
    return stream?.isPresent ? stream : undefined;
  };
  const next = (picked && streams.get(picked.name)) ?? present(wanted ?? undefined)
    ?? present(chosen?.name) ?? present(hello?.last?.stream) ?? present(hello?.streams[0])
    ?? streams.all[0] ?? null;
  if (next !== chosen) {
    chosen = next;
    timeline.view.follow();
    timeline.view.cursorId = null;
    timeline.invalidate();
  }
  isStale = true;
}

/** @param {import("./protocol.js").Message} message */
function receive(message) {
  streams.apply(message, performance.now());
  if (message.type === "hello") {
    hello = message;
    picked = null;
  }
  choose();
}

function showLink() {
  const text = {
    open: "live", connecting: "connecting", waiting: "not connected", locked: "locked",
  };
  setAttribute(linkMark, "data-phase", link.phase);
  setText(linkText, text[link.phase]);
  retryButton.hidden = link.phase !== "waiting" && link.phase !== "locked";
  setText(retryButton, link.phase === "locked" ? "Enter the token" : "Try now");
}

/** @param {number} nowMs */
function refresh(nowMs) {
  isStale = false;
  refreshedAtMs = nowMs;
  const situation = situationOf(chosen, link, nowMs);
  if (hello !== null && hello.protocol !== PROTOCOL_VERSION) {
    situation.note = "The daemon speaks another version than this page. Please load the page again.";
  }
  present.show(situation, nowMs);
  announcer.hear(situation, nowMs);
  // Scores of a source that has fallen silent for good would look like the present.
  current = ["speech", "uncertain"].includes(situation.kind) ? chosen?.last ?? null : null;
  bars.show(current);
  picker.show(streams.all, chosen);
  facts.show(hello, chosen);
  showLink();
  demoMark.hidden = !(chosen?.isDemo ?? false);
  const name = chosen === null ? "" : ` · ${shownName(chosen.name)}`;
  const title = `${situation.word}${name} · emotiond`;
  if (document.title !== title) document.title = title;
}

/** @param {number} nowMs */
function frame(nowMs) {
  if (isStale || nowMs - refreshedAtMs > REFRESH_MS) refresh(nowMs);
  if (chosen !== null) {
    const cursorX = timeline.draw(chosen, nowMs);
    controls.show(cursorX, nowMs);
    plane.draw(chosen, current, nowMs);
  }
  window.requestAnimationFrame(frame);
}

onThemeChange(() => {
  const theme = readTheme();
  timeline.setTheme(theme);
  plane.setTheme(theme);
});

const tokenDialog = new TokenDialog(() => connection.open());
/** @param {import("./connection.js").LinkState} state */
function follow(state) {
  link = state;
  isStale = true;
  if (state.phase === "locked") tokenDialog.ask();
}
const connection = new Connection(
  socketAddress(window.location), () => tokenDialog.given, receive, follow,
);
retryButton.addEventListener("click", () => {
  if (link.phase === "locked") tokenDialog.ask();
  else connection.retryNow();
});
connection.open();
window.requestAnimationFrame(frame);
