/** Puts the report together: one track is on the timeline, the panels sum up what is chosen. */

import { LABELS } from "../../../clients/web/state/events.js";
import { TimelineControls } from "../../../clients/web/timeline/controls.js";
import { Player } from "../../../clients/web/timeline/player.js";
import { Timeline } from "../../../clients/web/timeline/timeline.js";
import { element, setText } from "../../../clients/web/ui/dom.js";
import { onThemeChange, readTheme } from "../../../clients/web/ui/theme.js";
import { dayOf, timeOfDay } from "../../../clients/web/ui/words.js";
import { Filter } from "./filter.js";
import { SpeakerList, TrackList } from "./lists.js";
import { Minimap } from "./minimap.js";
import { SharesPanel } from "./shares-panel.js";
import { sumsOf, sumsOfAll, sumsOfWhole } from "./sums.js";
import { Track } from "./track.js";
import { TransitionsPanel } from "./transitions-panel.js";
import { unpack } from "./unpack.js";
import { lasting } from "./words.js";

/** While the timeline moves, sums follow at this pace. */
const SUMS_MS = 150;

/** @param {number} count @param {string} word */
const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** @param {import("./unpack.js").About} about @param {readonly Track[]} tracks @returns {string} */
function summaryOf({ version, made }, tracks) {
  const speakers = new Set(tracks.filter(({ about }) => about.speaker !== null).map(({ speaker }) => speaker));
  const whole = tracks.reduce((sum, track) => sum + sumsOfWhole(track).seconds, 0);
  return [
    counted(new Set(tracks.map(({ name, about }) => `${about.channel} ${name}`)).size, "recording"),
    ...(speakers.size > 0 ? [counted(speakers.size, "speaker")] : []),
    lasting(whole),
    `made on ${dayOf(made)} at ${timeOfDay(made).slice(0, 5)} by emotiond ${version}`,
  ].join(" · ");
}

async function main() {
  const { about, columns, firsts } = await unpack();
  const tracks = about.tracks.map((each, index) => new Track(each, columns, firsts[index]));
  let theme = readTheme(LABELS);
  let [shown] = tracks;
  /** @type {readonly Track[]} */
  let chosen = tracks;
  let sumsKey = "";
  let summedAtMs = -Infinity;

  const timeline = new Timeline(element("timeline-canvas", HTMLCanvasElement), theme);
  const player = new Player(() => {});
  const controls = new TimelineControls(timeline, () => shown, () => "", player);
  const minimap = new Minimap(timeline);
  const shares = new SharesPanel();
  const transitions = new TransitionsPanel();
  const scope = element("scope", HTMLElement);
  const filter = new Filter(tracks, () => choose());
  const trackList = new TrackList(theme, (track) => {
    show(track);
    element("timeline-panel", HTMLElement).scrollIntoView({ block: "nearest" });
  });
  const speakerList = new SpeakerList((speaker) => filter.choose(speaker));
  const [previous, next] = [element("previous", HTMLButtonElement), element("next", HTMLButtonElement)];

  /** @param {Track} track */
  function show(track) {
    shown = track;
    track.open();
    player.open(track);
    track.packed.showOnly(filter.labels);
    timeline.show(track);
    const first = track.packed.next > 0 ? track.packed.beginOf(0) : 0;
    const { view } = timeline;
    // A late part of a long file is not looked for in an empty timeline.
    if (first > 0.5 * track.durationSeconds && view.spanSeconds === view.longestSpan) {
      view.zoomTo(track.durationSeconds - first, track.durationSeconds);
    }
    minimap.show(track);
    const where = track.about.hasClock ? dayOf(track.events.time[0]) : track.folder;
    const who = track.about.speaker === null ? "" : track.speaker;
    setText(element("timeline-name", HTMLElement), track.title);
    setText(element("timeline-detail", HTMLElement), [who, where].filter((part) => part !== "").join(" · "));
    element("demo-mark", HTMLElement).hidden = !track.isDemo;
    mark();
  }

  function mark() {
    trackList.mark(shown);
    const at = trackList.ordered.indexOf(shown);
    previous.disabled = at <= 0;
    next.disabled = at < 0 || at >= trackList.ordered.length - 1;
    sumsKey = "";
  }

  function choose() {
    chosen = tracks.filter((track) => filter.admits(track));
    trackList.show(chosen);
    speakerList.show(chosen);
    shown.packed.showOnly(filter.labels);
    if (!chosen.includes(shown) && chosen.length > 0) show(chosen[0]);
    timeline.invalidate();
    minimap.paint();
    mark();
  }

  /** @param {number} nowMs sums up anew what is asked for, if it is another than before */
  function sumUp(nowMs) {
    const what = /** @type {HTMLInputElement} */ (scope.querySelector("input:checked")).value;
    const { begin, end } = timeline.visible(shown, nowMs);
    const key = what === "view" ? `${begin} ${end}` : what;
    if (key === sumsKey || (what === "view" && nowMs - summedAtMs < SUMS_MS)) return;
    [sumsKey, summedAtMs] = [key, nowMs];
    const sums = what === "all" ? sumsOfAll(chosen) : what === "track" ? sumsOfWhole(shown) : sumsOf(shown, begin, end);
    shares.show(sums);
    transitions.show(sums);
  }

  /** @param {number} nowMs */
  function frame(nowMs) {
    timeline.playhead = player.isTouched ? player.position : null;
    if (player.isPlaying) timeline.view.pageTo(player.position, shown.events);
    controls.show(timeline.draw(shown, nowMs), nowMs);
    minimap.draw();
    sumUp(nowMs);
    window.requestAnimationFrame(frame);
  }

  scope.addEventListener("change", () => {
    sumsKey = "";
  });
  const step = (/** @type {1|-1} */ by) => show(trackList.ordered[trackList.ordered.indexOf(shown) + by]);
  previous.addEventListener("click", () => step(-1));
  next.addEventListener("click", () => step(1));
  element("tracks-order", HTMLSelectElement).addEventListener("change", mark);
  onThemeChange(() => {
    theme = readTheme(LABELS);
    timeline.setTheme(theme);
    trackList.setTheme(theme);
    minimap.paint();
    mark();
  });

  setText(element("summary", HTMLElement), summaryOf(about, tracks));
  document.body.classList.toggle("has-sound", about.tracks.some(({ sound }) => sound !== null));
  document.body.classList.toggle("has-one", tracks.length === 1);
  if (tracks.length === 1) element("scope-track", HTMLInputElement).checked = true;
  trackList.show(chosen);
  speakerList.show(chosen);
  show(shown);
  document.body.classList.remove("opening");
  window.requestAnimationFrame(frame);
}

main().catch((error) => {
  const problem = element("problem", HTMLElement);
  problem.hidden = false;
  problem.textContent = `This report cannot be shown: ${error.message}. Browsers from 2023 on can show it.`;
  throw error;
});
