"""A real daemon plays what a real server sends, until one of them goes away."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.sync.client import connect

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.options import NoSettings
from emotiond.streamer.settings.exposure import exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources import network_stream, pace
from emotiond.streamer.sources.factory import SourceSpec, kind_of, parse_specs
from emotiond.streamer.sources.network import NETWORK
from emotiond.streamer.sources.network_address import parse_address
from emotiond.streamer.sources.network_stream import NetworkStream
from emotiond.streamer.sources.source import Playback
from tests.conftest import DATA
from tests.support.daemon import PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.processes import await_decoders, needs_proc
from tests.support.rtp import sound
from tests.support.rtsp import serving_rtsp
from tests.support.streams import LEVEL_DBFS, encoded, sending, serving, vorbis

MODEL = ("--model", str(DATA / "tiny.tflite"))
RATE = 16_000
MP3 = 6 * encoded("mp3", "libmp3lame", 44_100, seconds=10.0)
ENDLESS = sending(MP3, then=True)


@contextlib.contextmanager
def room(url: str, *more: str) -> Iterator[Daemon]:
    with running_daemon("--source", f"room={url}", *MODEL, "--json", *more) as daemon:
        yield daemon


def statuses_of(daemon: Daemon) -> Iterator[tuple[str, str]]:
    return (
        (event["status"], event["detail"]) for event in daemon.events() if event["type"] == "status"
    )


def emotion_after(daemon: Daemon, seconds: float) -> Any:
    return next(
        event for event in daemon.events() if event["type"] == "emotion" and event["end"] > seconds
    )


def health_of(daemon: Daemon) -> Any:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
        return json.load(response)


@contextlib.contextmanager
def trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """Yield what a server on loopback needs for TLS. Daemons that start meanwhile trust it."""
    authority, pem = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(pem)
    with authority.cert_pem.tempfile() as certificate:
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        yield pem


def test_sound_of_a_server_becomes_events_at_the_pace_of_speech() -> None:
    """The server sends a minute at once: the first two seconds of it take about that long."""
    asked: list[float] = []

    def answer(client: socket.socket, request: bytes) -> None:
        asked.append(time.monotonic())
        ENDLESS(client, request)

    with serving(answer) as server, room(server.url) as daemon:
        events = daemon.events()
        running = next(event for event in events if event["type"] == "status")
        assert (running["status"], running["stream"]) == ("running", "room")
        assert running["device"] == server.url
        late = next(event for event in events if event["type"] == "emotion" and event["end"] > 2)
        assert time.monotonic() - asked[0] > 1.0
        assert late["level_dbfs"] == pytest.approx(LEVEL_DBFS, abs=1.5)
        assert late["dropped_samples"] == 0
        assert health_of(daemon)["streams"]["room"]["device"] == server.url


def test_the_rate_may_change_in_the_middle() -> None:
    """A chained Ogg stream, as Icecast sends it from one song to the next."""
    chain = vorbis(44_100, 2, seconds=1.5) + vorbis(22_050, seconds=1.5)
    with serving(sending(chain, then=True)) as server, room(server.url) as daemon:
        levels, end = [], 0.0
        while end < 2.7:
            event = next(daemon.events())
            if event["type"] == "emotion":
                end = event["end"]
                levels.append(event["level_dbfs"])
                assert event["dropped_samples"] == 0
            elif event["type"] == "status":
                assert event["status"] == "running"
        seam_db = 3.0  # the beginning and the end of a resampled tone are softer
        assert levels[1:] == pytest.approx([LEVEL_DBFS] * len(levels[1:]), abs=seam_db)
        assert len(server.requests) == 1


def test_a_server_that_dies_is_connected_to_again_and_the_time_between_is_a_gap() -> None:
    a_while = sending(MP3[:48_000], then=True)  # what has come is played before the end is noticed
    with contextlib.ExitStack() as first:
        server = first.enter_context(serving(a_while))
        with room(server.url) as daemon:
            statuses = statuses_of(daemon)
            assert next(statuses) == ("running", "")
            emotion_after(daemon, 0.5)
            first.close()
            lost, detail = next(statuses)
            assert lost == "reconnecting"
            assert detail.startswith(f"{server.url}: ")
            assert detail.endswith("It is connected to again.")
            with serving(ENDLESS, port=server.port):
                assert next(statuses) == ("running", "")
                end = emotion_after(daemon, 1.0)["end"]
                assert emotion_after(daemon, end + 0.5)["dropped_samples"] > 0
            assert daemon.stop() == 0


ENDS = {
    "the end of the stream": (sending(MP3[:20_000]), "the server has ended the stream"),
    "silence": (sending(MP3[:20_000], then=True), "the server has sent nothing for 5 s"),
    "half of what was announced": (
        sending(
            b"2\r\nxy\r\nno number", head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        ),
        "it sends no sound",
    ),
    "a playlist": (sending(b"#EXTM3U\nhttp://192.0.2.1/\n"), "it sends a playlist (M3U, HLS)"),
    "no sound": (sending(b"<html>not here</html>"), "it sends a web page"),
    "an error": (sending(head=b"HTTP/1.1 404 Not Found\r\n\r\n"), "has no such stream"),
}


@pytest.mark.parametrize("end", ENDS)
def test_each_end_is_one_line_and_the_stream_is_connected_to_again(end: str) -> None:
    answer, reason = ENDS[end]
    with serving(answer, ENDLESS) as server, room(server.url) as daemon:
        statuses = statuses_of(daemon)
        detail = next(detail for status, detail in statuses if status == "reconnecting")
        assert reason in detail
        assert next(statuses) == ("running", "")
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.stderr
        assert len([line for line in daemon.stderr.splitlines() if reason in line]) <= 1


def test_a_url_that_nobody_serves_is_waited_for_and_one_line_says_so() -> None:
    with serving(ENDLESS) as server:
        pass
    with room(server.url) as daemon:
        statuses = statuses_of(daemon)
        status, detail = next(statuses)
        assert status == "reconnecting"
        assert detail.startswith(f"{server.url}: cannot connect (Connection refused)")
        assert health_of(daemon)["streams"]["room"]["status"] == "reconnecting"
        with serving(ENDLESS, port=server.port):
            assert next(statuses)[0] == "running"


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@needs_proc
def test_mute_ends_the_connection_and_unmute_connects_again() -> None:
    with serving(ENDLESS) as server, room(server.url) as daemon:
        statuses = statuses_of(daemon)
        assert next(statuses)[0] == "running"
        with connect(daemon.websocket_url) as listener:
            listener.send('{"type":"mute","muted":true}')
            assert next(statuses) == ("muted", NetworkStream.muted_detail)
        assert server.ended.wait(PATIENCE_SECONDS)
        await_decoders(daemon.process.pid, 0)
        health = health_of(daemon)
        assert (health["microphone"], health["status"]) == ("muted", "ok")
        daemon.process.send_signal(signal.SIGUSR1)
        assert next(statuses)[0] == "running"
        assert len(server.requests) == 2


def test_bytes_that_never_become_sound_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A WAV stream that drips: it is never silent, and never a block."""
    monkeypatch.setattr(network_stream, "FIRST_SECONDS", 1.0)

    def drip(client: socket.socket, _request: bytes) -> None:
        client.sendall(b"HTTP/1.0 200 OK\r\n\r\nOggS")
        while True:
            client.sendall(b"\0")
            time.sleep(0.02)

    reports: list[tuple[str, str]] = []
    lost = threading.Event()

    def note(status: str, detail: str) -> None:
        reports.append((status, detail))
        lost.set()

    with serving(drip) as server:
        source = NetworkStream(parse_address(server.url), waits=False)
        source.start(Ring(RATE, 1, RATE), note)
        assert lost.wait(PATIENCE_SECONDS)
        source.stop()
    assert reports[0][0] == "reconnecting"
    assert "no sound has come for 1 s" in reports[0][1]


def test_a_rate_that_changes_all_the_time_is_a_loss() -> None:
    links = [vorbis(rate, seconds=0.05) for rate in (44_100, 22_050)]
    with serving(sending(*links * 10, then=True)) as server, room(server.url) as daemon:
        detail = next(detail for status, detail in statuses_of(daemon) if status == "reconnecting")
        assert "it changes its rate or channels all the time" in detail


def test_no_secret_of_an_address_is_told_to_anybody(tmp_path: Path) -> None:
    """It comes by the settings file: the command line is open to every user of the machine."""
    with serving(sending(MP3[:20_000]), ENDLESS) as server:
        url = server.url.replace("//", "//ann:hidden1@") + "?token=hidden2"
        settings = tmp_path / "settings.toml"
        settings.write_text(f'source = ["room={url}"]\n')
        with running_daemon("--config", str(settings), *MODEL, "--json") as daemon:
            events = daemon.events()
            seen = [next(events)]
            while seen[-1].get("status") != "running" or len(server.requests) < 2:
                seen.append(next(events))
            with urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=60) as response:  # noqa: S310
                metrics = response.read().decode()
            told = [json.dumps(seen), json.dumps(health_of(daemon)), metrics]
            with connect(daemon.websocket_url) as listener:
                told.append(str(listener.recv()))
            assert daemon.stop() == 0
            told.append(daemon.stderr)
        assert "hidden" not in "".join(told)
        assert f"{server.url}?…" in json.dumps(seen, ensure_ascii=False)
        assert b"?token=hidden2 HTTP" in server.requests[0]


def test_the_daemon_ends_at_once() -> None:
    with serving(ENDLESS) as server, room(server.url) as daemon:
        assert next(statuses_of(daemon))[0] == "running"
        assert daemon.stop() == 0


def test_without_waiting_the_first_connection_has_to_succeed() -> None:
    with serving(sending(head=b"HTTP/1.1 404 Not Found\r\n\r\n")) as server:
        ended = emotiond("enroll", "ann", "--source", server.url, "--model", MODEL[1])
    assert ended.returncode == 1
    assert "has no such stream at present" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_source_that_never_started_leaves_no_connection() -> None:
    with serving(ENDLESS) as server:
        NetworkStream(parse_address(server.url), waits=False).stop()
        assert server.ended.wait(PATIENCE_SECONDS)


def test_it_is_known_by_its_scheme_and_named_by_its_host() -> None:
    value = "https://ann:secret@radio.example:8443/live?a=b"
    assert kind_of(value) is NETWORK
    assert parse_specs([value, f"room={value}"]) == [
        SourceSpec("radio.example", value),
        SourceSpec("room", value),
    ]


@needs_proc
@pytest.mark.parametrize("scheme", ["rtsp", "rtsps"])
def test_a_server_of_rtsp_is_played_muted_and_connected_to_again(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_while = b"".join(sound("PCMU", 4.0))
    trust = trusted(monkeypatch) if scheme == "rtsps" else contextlib.nullcontext()
    with trust as pem, contextlib.ExitStack() as first:
        server = first.enter_context(serving_rtsp(then=a_while, pem=pem))
        url = server.url.replace("rtsp:", f"{scheme}:")
        with room(url) as daemon:
            statuses = statuses_of(daemon)
            assert next(statuses)[0] == "running"
            assert emotion_after(daemon, 1.0)["level_dbfs"] == pytest.approx(LEVEL_DBFS, abs=1.5)
            with connect(daemon.websocket_url) as listener:
                listener.send('{"type":"mute","muted":true}')
                assert next(statuses) == ("muted", NetworkStream.muted_detail)
                assert server.ended.wait(PATIENCE_SECONDS)
                assert server.methods[-1] == "TEARDOWN"
                await_decoders(daemon.process.pid, 0)
                listener.send('{"type":"mute","muted":false}')
                assert next(statuses)[0] == "running"
            first.close()
            status, detail = next(statuses)
            assert status == "reconnecting"
            assert detail.startswith(f"{url}: ")
            with serving_rtsp(then=a_while, port=server.port, pem=pem):
                assert next(statuses)[0] == "running"


def test_a_connection_that_does_not_end_by_itself_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenSSL reads on as long as records of its own come, and a write may wait for the server."""
    cuts: list[str] = []

    class Stubborn:
        is_rtp = False

        def __init__(self) -> None:
            self.is_cut = threading.Event()

        def read(self, _: int) -> bytes:
            assert self.is_cut.wait(PATIENCE_SECONDS)
            return b""

        def end(self) -> None:
            cuts.append("end")

        def cut(self) -> None:
            cuts.append("cut")
            self.is_cut.set()

        def close(self) -> None:
            cuts.append("close")

    monkeypatch.setattr(network_stream, "_END_SECONDS", 0.01)
    monkeypatch.setattr(network_stream.http_connection, "connect", lambda *_: Stubborn())
    source = NetworkStream(parse_address("http://127.0.0.1:1/"), waits=False)
    source.start(Ring(RATE, 1, RATE), lambda *_: None)
    while source.switch.state != "on":
        time.sleep(0.01)  # it has no event for this
    source.stop()
    assert source._thread is not None
    source._thread.join(PATIENCE_SECONDS)
    assert cuts == ["end", "cut", "close"]


def test_a_server_of_rtsp_that_sends_faster_than_real_time_is_told_from_a_slow_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "FLOOD_SECONDS", 1.0)
    reports: queue.Queue[tuple[str, str]] = queue.Queue()
    with serving_rtsp(then=b"".join(sound("PCMU", 60.0))) as server:
        source = NetworkStream(parse_address(server.url), waits=False)
        source.start(Ring(RATE, 1, RATE), lambda *report: reports.put(report))
        assert reports.get(timeout=PATIENCE_SECONDS) == ("running", "")
        status, detail = reports.get(timeout=PATIENCE_SECONDS)
        source.stop()
    assert status == "running"
    assert "the server sends faster than real time" in detail


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
@pytest.mark.parametrize("host", ["192.0.2.1", "radio.example", "[2001:db8::1]"])
def test_beyond_this_machine_plain_http_needs_consent_and_https_none(
    host: str, scheme: str
) -> None:
    value = f"{scheme}://{host}:8000/live"
    with pytest.raises(
        ConfigError, match=rf"hear and change the sound\. Use {scheme}s:.*--insecure"
    ):
        refuse_exposure(make_config({"source": [value]}, {}))
    consented = make_config({"source": [value], "insecure": True}, {})
    refuse_exposure(consented)
    assert any(value in warning for warning in exposure_warnings(consented))
    encrypted = make_config({"source": [value.replace("://", "s://")]}, {})
    refuse_exposure(encrypted)
    assert not exposure_warnings(encrypted)


def test_a_password_beyond_this_machine_needs_https_whatever_is_consented_to() -> None:
    value = "http://ann:secret@192.0.2.1/live"
    with pytest.raises(ConfigError, match=r"the password would go.*unencrypted") as refused:
        refuse_exposure(make_config({"source": [value], "insecure": True}, {}))
    assert "secret" not in str(refused.value)
    refuse_exposure(make_config({"source": [value.replace("http:", "https:")]}, {}))
    refuse_exposure(make_config({"source": [value.replace("192.0.2.1", "127.0.0.1")]}, {}))


def test_beyond_this_machine_rtsp_says_that_its_password_can_be_guessed_at() -> None:
    """It goes as a digest alone, which test_rtsp_connection.py shows."""
    value = "rtsp://ann:secret@192.0.2.1/live"
    with pytest.raises(ConfigError, match="--insecure") as refused:
        refuse_exposure(make_config({"source": [value]}, {}))
    assert "secret" not in str(refused.value)
    consented = make_config({"source": [value], "insecure": True}, {})
    refuse_exposure(consented)
    (warning,) = exposure_warnings(consented)
    assert "rtsp://192.0.2.1/live is unencrypted" in warning
    assert "guess at the password" in warning


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SourceError, match="pip install 'av>=14'"):
        NETWORK.open("http://127.0.0.1/", NoSettings(), Playback(realtime=True, loop=False))
