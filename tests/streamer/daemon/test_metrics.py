"""The metrics that a daemon's health becomes."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from emotiond.inference.card import LABELS
from emotiond.streamer.daemon.metrics import make_metrics
from emotiond.streamer.outputs.output import About
from emotiond.streamer.protocol.events import StreamStatus
from emotiond.streamer.server.prometheus import exposition, metric

STREAM = {
    "status": "reconnecting",
    "stride_seconds": 0.5,
    "lag_seconds": 1.25,
    "age_seconds": None,
    "dropped_samples": 7,
}
HEALTH: dict[str, Any] = {
    "status": "ok",
    "uptime_seconds": 12.5,
    "microphone": "muted",
    "client_streams": {"open": 1, "limit": 4},
    "streams": {"mic": STREAM},
    "last": {"mic": {"state": "silence", "label": None, "confidence": None, "age_seconds": 0.3}},
    "dropped": {"messages": 3},
}


def lines(**changes: object) -> list[str]:
    outputs = [About(), About(metrics=[metric("emotiond_clients", "gauge", "Clients.", (2, {}))])]
    text = exposition(make_metrics(HEALTH | changes, {("mic", "emotion"): 40}, outputs))
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_health_becomes_samples() -> None:
    found = lines()
    for expected in (
        "emotiond_uptime_seconds 12.5",
        'emotiond_events_total{stream="mic",type="emotion"} 40',
        "emotiond_microphone_open 0",
        "emotiond_clients 2",
        "emotiond_client_streams 1",
        "emotiond_client_streams_limit 4",
        'emotiond_dropped_total{queue="messages"} 3',
        'emotiond_stream_dropped_samples_total{stream="mic"} 7',
        'emotiond_stream_stride_seconds{stream="mic"} 0.5',
        'emotiond_stream_lag_seconds{stream="mic"} 1.25',
    ):
        assert expected in found


def test_a_stream_has_one_status_at_a_time() -> None:
    statuses = [line for line in lines() if line.startswith("emotiond_stream_status{")]
    assert len(statuses) == len(typing.get_args(StreamStatus))
    assert [line for line in statuses if line.endswith(" 1")] == [
        'emotiond_stream_status{stream="mic",status="reconnecting"} 1'
    ]


def test_a_stream_without_an_age_has_no_sample_of_it() -> None:
    assert not any("stream_age_seconds{" in line for line in lines())
    found = lines(streams={"mic": STREAM | {"age_seconds": 0.016}})
    assert 'emotiond_stream_age_seconds{stream="mic"} 0.016' in found


@pytest.mark.parametrize(("status", "value"), [("ok", 1), ("degraded", 0)])
def test_a_degraded_daemon_is_not_healthy(status: str, value: int) -> None:
    assert f"emotiond_healthy {value}" in lines(status=status)


HAPPY = {"state": "speech", "label": "happy", "confidence": 0.81, "age_seconds": 0.4}


def labels(status: str, last: object) -> tuple[list[str], list[str]]:
    """Return all samples of labels, and those that are 1."""
    all_lines = lines(streams={"mic": STREAM | {"status": status}}, last={"mic": last})
    found = [line for line in all_lines if line.startswith("emotiond_label{")]
    return found, [line for line in found if line.endswith(" 1")]


@pytest.mark.parametrize("status", ["running", "overload"])
def test_a_label_is_one_of_eight_samples_with_its_confidence_and_age(status: str) -> None:
    found, current = labels(status, HAPPY)
    assert len(found) == len(LABELS)
    assert current == ['emotiond_label{stream="mic",label="happy"} 1']
    both = lines(streams={"mic": STREAM | {"status": status}}, last={"mic": HAPPY})
    assert 'emotiond_label_confidence{stream="mic"} 0.81' in both
    assert 'emotiond_label_age_seconds{stream="mic"} 0.4' in both


@pytest.mark.parametrize("status", ["muted", "stalled", "reconnecting", "ended"])
def test_a_label_ends_with_its_sound(status: str) -> None:
    found, current = labels(status, HAPPY)
    assert len(found) == len(LABELS)
    assert current == []
    assert not any("label_confidence" in line for line in lines(last={"mic": HAPPY}))


def test_silence_has_no_label() -> None:
    assert labels("running", HEALTH["last"]["mic"])[1] == []


def test_a_published_upload_has_a_label_too() -> None:
    found = lines(last={'a "b"\n': HAPPY})
    assert r'emotiond_label{stream="a \"b\"\n",label="happy"} 1' in found
