/**
 * Shows the footer's facts: the age of the newest event, the model, and what was lost on the way.
 */

import { element, setText } from "../ui/dom.js";

const AGES_KEPT = 16;

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export class Footer {
  #name = element("fact-name", HTMLElement);
  #latency = element("fact-latency", HTMLElement);
  #model = element("fact-model", HTMLElement);
  #report = element("fact-report", HTMLAnchorElement);
  #device = element("fact-device", HTMLElement);
  #dropped = element("fact-dropped", HTMLElement);
  #missed = element("fact-missed", HTMLElement);
  #version = element("fact-version", HTMLElement);

  /** @param {import("../state/events.js").Hello|null} hello @param {import("../state/stream.js").Stream|null} stream */
  show(hello, stream) {
    setText(this.#model, hello === null || stream?.room ? "–" : hello.modelName || "unnamed");
    const report = stream?.room ? "" : hello?.report ?? "";
    this.#report.hidden = report === "";
    if (report !== "") this.#report.href = report;
    this.#row(this.#name, hello?.name ?? "");
    setText(this.#version, hello === null ? "" : hello.version.slice(0, 24));
    setText(this.#latency, stream === null ? "–" : this.#latencyOf(stream));
    this.#row(this.#device, stream?.device ? this.#deviceOf(stream) : "");
    const dropped = stream?.last?.dropped_samples ?? 0;
    setText(this.#dropped, dropped.toLocaleString("en"));
    this.#dropped.classList.toggle("is-bad", dropped > 0);
    this.#row(this.#missed, stream?.missedEvents ? stream.missedEvents.toLocaleString("en") : "");
  }

  /** @param {HTMLElement} value @param {string} text hides the whole fact where there is none */
  #row(value, text) {
    setText(value, text);
    if (value.parentElement !== null) value.parentElement.hidden = text === "";
  }

  /** @param {import("../state/stream.js").Stream} stream a median: one late event is not the latency */
  #latencyOf({ events }) {
    /** @type {number[]} */
    const ages = [];
    for (let id = Math.max(events.first, events.next - AGES_KEPT); id < events.next; id += 1) {
      const age = events.ageMs[events.slot(id)];
      if (!Number.isNaN(age)) ages.push(age);
    }
    return ages.length === 0 ? "–" : `${Math.round(median(ages))} ms`;
  }

  /** @param {import("../state/stream.js").Stream} stream */
  #deviceOf({ device, deviceLatencyMs }) {
    const name = (device ?? "").slice(0, 60);
    return deviceLatencyMs === null ? name : `${name} (+${Math.round(deviceLatencyMs)} ms)`;
  }
}
