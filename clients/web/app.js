/** Puts the page together: messages go into the streams, each screen frame draws what they hold. */

import { Connection, socketAddress } from "./daemon/connection.js";
import { Credentials } from "./daemon/credentials.js";
import { MuteButton } from "./daemon/mute-button.js";
import { Past } from "./daemon/past.js";
import { PhoneDialog, isOfPairing } from "./daemon/phone-dialog.js";
import { PROTOCOL_VERSION } from "./daemon/protocol.js";
import { TokenDialog } from "./daemon/token-dialog.js";
import { Files } from "./files/files.js";
import { AffectPlane } from "./now/affect-plane.js";
import { Announcer } from "./now/announcer.js";
import { fileSituation } from "./now/file-situation.js";
import { Footer } from "./now/footer.js";
import { Glance } from "./now/glance.js";
import { NowPanel } from "./now/now-panel.js";
import { ScoreBars } from "./now/score-bars.js";
import { situationOf } from "./now/situation.js";
import { StreamPicker } from "./now/stream-picker.js";
import { VoiceStrip } from "./speak/voice-strip.js";
import { Voice } from "./speak/voice.js";
import { LABELS } from "./state/events.js";
import { FileStream } from "./state/file-stream.js";
import { Selection } from "./state/selection.js";
import { TimelineControls } from "./timeline/controls.js";
import { ForgetButton } from "./timeline/forget-button.js";
import { Player } from "./timeline/player.js";
import { Timeline } from "./timeline/timeline.js";
import { element, setAttribute, setText } from "./ui/dom.js";
import { closeOnEscape } from "./ui/escape.js";
import { ONLY_SHOWS } from "./ui/frame.js";
import { Notice } from "./ui/notice.js";
import { onThemeChange, readTheme } from "./ui/theme.js";
import { playTime } from "./ui/words.js";

/** Without an event, texts that count seconds are refreshed this often. */
const REFRESH_MS = 250;

/** @type {import("./state/events.js").Hello|null} */
let hello = null;
/** @type {import("./daemon/connection.js").LinkState} */
let link = { phase: "connecting", retryInSeconds: 0, reason: "" };
/** @type {import("./now/glance.js").Sight|null} */
let sight = null;
let isStale = true;
let refreshedAtMs = 0;

const requestRefresh = () => {
  isStale = true;
};
const address = socketAddress(window.location);
const credentials = new Credentials();
const daemon = {
  address,
  token: () => credentials.token,
  mostFileSeconds: () => hello?.mostFileSeconds ?? 0,
  mostMessageBytes: () => hello?.mostMessageBytes ?? 0,
  strideSeconds: () => hello?.strideSeconds ?? 0.25,
  hasStream: (/** @type {string} */ name) => selection.all.some(
    (stream) => stream !== voice.stream && stream.name === name
      && stream.isPresent && stream.status !== "ended",
  ),
};
const timeline = new Timeline(element("timeline-canvas", HTMLCanvasElement), readTheme(LABELS));
const plane = new AffectPlane(element("plane-canvas", HTMLCanvasElement), readTheme(LABELS));
const player = new Player(requestRefresh);
const voice = new Voice(daemon, requestRefresh);
const voiceStrip = new VoiceStrip(voice);
const selection = new Selection(() => voice.stream, (name) => voice.isNamed(name), (stream) => {
  player.open(stream instanceof FileStream ? stream : null);
  timeline.show(stream);
});
const controls = new TimelineControls(timeline, () => selection.shown, () => (selection.shown?.room ? "" : hello?.modelName ?? ""), player);
const notice = new Notice();
const past = new Past((name) => selection.find(name), (message) => connection.send(message));
const forgetButton = new ForgetButton(() => {
  if (selection.shown !== null) past.erase(selection.shown);
});
const files = new Files(daemon, {
  send: (message) => connection.send(message),
  show: (fileStream) => {
    selection.show(fileStream);
    requestRefresh();
  },
  say: (text) => notice.say(text),
});
const glance = new Glance();
const nowPanel = new NowPanel();
const scoreBars = new ScoreBars();
const footer = new Footer();
const announcer = new Announcer();
const streamPicker = new StreamPicker((stream) => {
  selection.pick(stream);
  requestRefresh();
});
const phoneDialog = new PhoneDialog((message) => connection.send(message));
const muteButton = new MuteButton((muted) => connection.send({ type: "mute", muted }));
const about = element("about", HTMLDetailsElement);
closeOnEscape([
  {
    isOpen: () => about.open,
    close: () => {
      about.open = false;
      about.querySelector("summary")?.focus();
    },
  },
  notice, files,
]);
const linkMark = element("link", HTMLElement);
const linkText = element("link-text", HTMLElement);
const retryButton = element("retry", HTMLButtonElement);
const speakButton = element("speak", HTMLButtonElement);
const demoMark = element("demo-mark", HTMLElement);
const replayMark = element("replay-mark", HTMLElement);
const nowTitle = element("now-title", HTMLElement);
const scoresKey = element("scores-key", HTMLElement);
const scoresTitle = element("scores-title", HTMLElement);

/** @param {import("./state/events.js").Message} message */
function receive(message) {
  // A published voice comes twice: over its own connection, and over this one.
  if (message.type !== "hello" && message.type !== "rooms" && voice.isNamed(message.stream)) return;
  selection.receive(message, performance.now());
  if (message.type === "hello") {
    // A page that only shows sends no sound, and has no list of files to delete from.
    hello = ONLY_SHOWS ? { ...message, mostClientStreams: 0, keepsHistory: false, hasSessions: false } : message;
    speakButton.hidden = hello.mostClientStreams === 0;
    files.onHello(hello);
    past.restart();
    connection.send({ type: "rooms" });
    voice.retryNow();
  }
  requestRefresh();
}

/** @param {import("./daemon/replies.js").Reply} reply */
function receiveReply(reply) {
  files.receive(reply);
  past.receive(reply);
  phoneDialog.receive(reply);
  if (reply.type === "paired") {
    credentials.pair(reply.token);
    notice.say(`This device is paired as “${reply.name}”, until the owner revokes it.`);
  }
  if (reply.type === "error" && reply.about !== "past" && !isOfPairing(reply)) notice.say(reply.detail);
  requestRefresh();
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

/**
 * @param {import("./state/stream.js").Stream|null} shown @param {number} nowMs
 * @returns {import("./now/glance.js").Sight}
 */
function present(shown, nowMs) {
  const situation = situationOf(shown, link, nowMs);
  if (hello !== null && hello.protocol !== PROTOCOL_VERSION) {
    situation.note = "This page and the daemon have different versions. Please reload the page.";
  }
  // Scores of a source that has fallen silent for good would look like the present.
  const current = ["speech", "uncertain"].includes(situation.kind) ? shown?.last ?? null : null;
  return { of: shown, situation, current, meaning: "moment", title: "Scores" };
}

/** @param {FileStream} fileStream @returns {import("./now/glance.js").Sight} */
function recorded(fileStream) {
  const position = player.isTouched ? player.position : null;
  const of = fileStream;
  const situation = fileSituation(fileStream, position);
  if (fileStream.result === null) return { of, situation, current: fileStream.last, meaning: "moment", title: "Scores" };
  if (position !== null) {
    const title = `Scores at ${playTime(position)}`;
    return { of, situation, current: fileStream.at(position), meaning: "moment", title };
  }
  const current = fileStream.whole;
  return fileStream.isMixed
    ? { of, situation, current, meaning: "shares", title: `Shares of the whole ${fileStream.noun}’s time` }
    : { of, situation, current, meaning: "average", title: `Scores of the whole ${fileStream.noun}, on average` };
}

/** @param {number} nowMs */
function refresh(nowMs) {
  isStale = false;
  refreshedAtMs = nowMs;
  selection.settle();
  const { shown } = selection;
  const fileStream = shown instanceof FileStream ? shown : null;
  sight = glance.take(fileStream === null ? present(shown, nowMs) : recorded(fileStream), nowMs);
  const { situation } = sight;
  nowPanel.show(situation);
  announcer.announce(situation, nowMs);
  scoreBars.show(sight.current);
  const choices = selection.all.filter((stream) => stream.isPresent || stream === shown);
  streamPicker.show(choices, shown, link.phase === "open", hello?.name ?? "", selection.rooms);
  footer.show(hello, shown);
  files.draw(fileStream, nowMs);
  phoneDialog.offer(link.phase === "open" && hello !== null && hello.pairs && !credentials.isPaired && !ONLY_SHOWS);
  // Only this daemon's own microphone can be muted, and only its own streams have a past.
  const own = link.phase === "open" && shown?.room === null ? shown : null;
  muteButton.show(own, link.phase === "open");
  past.want(own);
  past.lookAfter(selection.all.filter(({ room }) => room === null));
  forgetButton.show(past.keptOf(own));
  showLink();
  setText(nowTitle, fileStream === null ? "Now" : `${fileStream.noun === "file" ? "File" : "Recording"} ${fileStream.title}`);
  setText(scoresTitle, sight.title);
  scoresKey.hidden = sight.meaning !== "moment";
  demoMark.hidden = !(shown?.isDemo ?? false);
  replayMark.hidden = !(shown?.isReplay ?? false);
  const parts = [situation.word, shown?.title, hello?.name, "emotiond"];
  const title = parts.filter((part) => part).join(" · ");
  if (document.title !== title) document.title = title;
}

/** @param {number} nowMs */
function frame(nowMs) {
  if (isStale || nowMs - refreshedAtMs > REFRESH_MS) refresh(nowMs);
  const { shown } = selection;
  const fileStream = shown instanceof FileStream ? shown : null;
  voiceStrip.show();
  let until = 0;
  /** @type {number|null} */
  let cursorX = null;
  if (shown !== null) {
    until = shown.events.newestPosition;
    if (fileStream !== null && fileStream.result !== null) {
      until = player.isTouched ? player.position : until;
      timeline.playhead = player.position;
      if (player.isPlaying) timeline.view.pageTo(player.position, fileStream.events);
    }
    cursorX = timeline.draw(shown, nowMs);
  }
  controls.show(cursorX, nowMs);
  if (sight !== null) plane.draw(shown, sight.current, sight.meaning, until, nowMs);
  window.requestAnimationFrame(frame);
}

onThemeChange(() => {
  const theme = readTheme(LABELS);
  timeline.setTheme(theme);
  plane.setTheme(theme);
});

const tokenDialog = new TokenDialog((token) => {
  credentials.enter(token);
  connection.open();
});
/** @param {import("./daemon/connection.js").LinkState} state */
function follow(state) {
  link = state;
  if (state.phase !== "open") files.loseLink();
  requestRefresh();
  if (state.phase !== "locked") return;
  notice.close(); // it may say that this device is paired
  const wrong = credentials.refuse();
  if (credentials.token === "") tokenDialog.ask(wrong);
  else connection.open(); // the code was refused, but this device is paired already
}
const connection = new Connection(address, () => credentials.firstMessage(), receive, receiveReply, follow);
retryButton.addEventListener("click", () => {
  if (link.phase === "locked") tokenDialog.ask("");
  else connection.retryNow();
});
connection.open();
window.requestAnimationFrame(frame);
