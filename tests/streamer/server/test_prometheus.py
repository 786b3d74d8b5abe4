"""The figures, as a scraper reads them."""

from __future__ import annotations

import re
import subprocess
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.server.prometheus import exposition, metric
from tests.support.daemon import DEMO, running_daemon
from tests.support.programs import is_missing

SAMPLE = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? -?[\d.e+-]+')


def test_a_metric_has_its_help_and_type() -> None:
    text = exposition(
        [
            metric("emotiond_clients", "gauge", "WebSocket clients.", (2, {})),
            metric(
                "emotiond_lost_total", "counter", "Lost.", (1, {"queue": "hub"}), (0, {"a": "b"})
            ),
            metric("emotiond_nothing", "gauge", "Left out."),
        ]
    )
    assert text == (
        "# HELP emotiond_clients WebSocket clients.\n# TYPE emotiond_clients gauge\n"
        "emotiond_clients 2\n"
        "# HELP emotiond_lost_total Lost.\n# TYPE emotiond_lost_total counter\n"
        'emotiond_lost_total{queue="hub"} 1\nemotiond_lost_total{a="b"} 0\n'
    )


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_name_of_a_stream_stays_in_its_line(name: str, value: float) -> None:
    text = exposition([metric("emotiond_lag", "gauge", "Lag.", (value, {"stream": name}))])
    text.encode()
    *_, line = text.removesuffix("\n").split("\n")
    assert len(text.split("\n")) == 4
    assert SAMPLE.fullmatch(line)


def test_a_running_daemon_reports_its_events_queues_and_streams() -> None:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite", "--json") as daemon:
        events = daemon.events()
        while next(events)["type"] != "emotion":
            pass
        with urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=60) as response:  # noqa: S310
            assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            lines = response.read().decode().splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(samples['emotiond_events_total{stream="voice",type="emotion"}']) >= 1
    assert samples['emotiond_stream_status{stream="voice",status="running"}'] == "1"
    assert samples['emotiond_stream_status{stream="voice",status="ended"}'] == "0"
    assert float(samples['emotiond_stream_age_seconds{stream="voice"}']) > 0
    assert samples["emotiond_healthy"] == "1"
    assert samples["emotiond_clients"] == "0"
    assert samples["emotiond_connections"] == "1"  # the scraper's
    for queue in ("messages", "websocket_clients", "zeromq_overruns", "stdout_lines"):
        assert samples[f'emotiond_dropped_total{{queue="{queue}"}}'] == "0"


@pytest.mark.peers
@pytest.mark.skipif(is_missing("promtool"), reason="needs promtool: make test-peers")
def test_prometheus_finds_no_fault_in_the_figures() -> None:
    name = 'a"b\\c{d} k\N{LATIN SMALL LETTER U WITH DIAERESIS}che'
    with running_daemon("--source", f"{name}={DEMO}", "--model", "lite", "--json") as daemon:
        events = daemon.events()
        while next(events)["type"] != "emotion":
            pass
        with urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=60) as response:  # noqa: S310
            figures = response.read()
    assert b"emotiond_label_age_seconds{" in figures
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=figures, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
