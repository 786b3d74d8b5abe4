"""Makes the metrics of ``/metrics`` from the daemon's health."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

from emotiond.inference.card import LABELS
from emotiond.streamer.outputs.output import About
from emotiond.streamer.protocol.events import StreamStatus
from emotiond.streamer.server.prometheus import Metric, metric

_STREAM_GAUGES = (
    ("stride_seconds", "emotiond_stream_stride_seconds", "From one inference to the next."),
    ("lag_seconds", "emotiond_stream_lag_seconds", "Audio queued behind the current window."),
    (
        "age_seconds",
        "emotiond_stream_age_seconds",
        "Time from the capture of the last event to its sending.",
    ),
)

_DELIVERING = ("running", "overload")
"""The statuses in which a source delivers sound."""


def make_metrics(
    health: Mapping[str, Any],
    events: Mapping[tuple[str, str], int],
    outputs: Sequence[About],
    more: Sequence[Metric] = (),
) -> Sequence[Metric]:
    """Return all metrics.

    Args:
        health: the full content of ``/healthz``.
        events: the number of published events, by stream and type.
        outputs: the descriptions that the outputs give of themselves.
        more: the metrics of followed daemons and of recorded sessions.
    """
    streams: Mapping[str, Mapping[str, Any]] = health["streams"]
    sent: Mapping[str, int] = health["client_streams"]
    published = [
        (count, {"stream": stream, "type": kind}) for (stream, kind), count in events.items()
    ]
    statuses = [
        (float(status == about["status"]), {"stream": stream, "status": status})
        for stream, about in streams.items()
        for status in typing.get_args(StreamStatus)
    ]
    lost = [(about["dropped_samples"], {"stream": name}) for name, about in streams.items()]
    dropped = [(count, {"queue": name}) for name, count in health["dropped"].items()]
    return [
        metric(
            "emotiond_uptime_seconds",
            "gauge",
            "Time since the start.",
            (health["uptime_seconds"], {}),
        ),
        metric("emotiond_healthy", "gauge", "Whether all is well.", (health["status"] == "ok", {})),
        metric("emotiond_events_total", "counter", "Events published.", *published),
        metric(
            "emotiond_microphone_open",
            "gauge",
            "Whether the microphone is open.",
            (health["microphone"] == "on", {}),
        ),
        *(each for about in outputs for each in about.metrics),
        *more,
        metric("emotiond_client_streams", "gauge", "Open uploads.", (sent["open"], {})),
        metric(
            "emotiond_client_streams_limit", "gauge", "Most uploads at a time.", (sent["limit"], {})
        ),
        metric(
            "emotiond_dropped_total",
            "counter",
            "Messages that full queues dropped; for ZeroMQ, how often one was full.",
            *dropped,
        ),
        metric("emotiond_stream_status", "gauge", "1 for the current status.", *statuses),
        metric(
            "emotiond_stream_dropped_samples_total", "counter", "Dropped samples, at 16 kHz.", *lost
        ),
        *_last_labels(health),
        *(
            metric(
                name,
                "gauge",
                text,
                *(
                    (about[key], {"stream": stream})
                    for stream, about in streams.items()
                    if about[key] is not None
                ),
            )
            for key, name, text in _STREAM_GAUGES
        ),
    ]


def _last_labels(health: Mapping[str, Any]) -> Sequence[Metric]:
    """Return what the last events said. A label holds as long as its source delivers sound."""
    last: Mapping[str, Mapping[str, Any]] = health["last"]
    present = {
        stream: about
        for stream, about in last.items()
        if health["streams"].get(stream, {}).get("status", "running") in _DELIVERING
    }
    labels = [
        (float(stream in present and label == about["label"]), {"stream": stream, "label": label})
        for stream, about in last.items()
        for label in LABELS
    ]
    confidences = [
        (about["confidence"], {"stream": stream})
        for stream, about in present.items()
        if about["confidence"] is not None
    ]
    ages = [(about["age_seconds"], {"stream": stream}) for stream, about in last.items()]
    return [
        metric(
            "emotiond_label", "gauge", "1 for the current label; 0 for all without one.", *labels
        ),
        metric(
            "emotiond_label_confidence", "gauge", "The smoothed score of the label.", *confidences
        ),
        metric(
            "emotiond_label_age_seconds",
            "gauge",
            "Time since the capture of the sound of the last event.",
            *ages,
        ),
    ]
