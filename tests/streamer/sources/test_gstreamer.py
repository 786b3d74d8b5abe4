"""A real RTSP server, GStreamer's: it is played, killed and started again, and wants a password."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme
from websockets.sync.client import connect as listen

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.stream_decoder import Sound, StreamDecoder
from emotiond.streamer.sources.network_address import parse_address
from emotiond.streamer.sources.rtsp_connection import connect
from tests.conftest import DATA
from tests.support.daemon import Daemon, running_daemon
from tests.support.free_port import free_port
from tests.support.gstreamer import gstreamer, needs_gstreamer, tone
from tests.support.processes import await_decoders
from tests.support.streams import LEVEL_DBFS, encoded

pytestmark = [pytest.mark.peers, needs_gstreamer]
MODEL = ("--model", str(DATA / "tiny.tflite"))
L16 = "rtpL16pay"
PICTURE = "videotestsrc is-live=true ! video/x-raw,width=64,height=64 ! rtpvrawpay"
FILES = {
    "AAC": ("adts", "aac", "aacparse ! rtpmp4gpay", 44_100, 1),
    "AAC by LATM": ("adts", "aac", "aacparse ! rtpmp4apay", 48_000, 1),
    "MP3": ("mp3", "libmp3lame", "mpegaudioparse ! rtpmpapay", 44_100, 1),
}
ENCODERS = {
    "L16": (L16, 16_000, 1),
    "L16 stereo": (L16, 44_100, 2),
    "L24": ("rtpL24pay", 48_000, 1),
    "PCMU": ("mulawenc ! rtppcmupay", 8_000, 1),
    "PCMA": ("alawenc ! rtppcmapay", 8_000, 1),
    "Opus": ("opusenc ! rtpopuspay", 48_000, 2),
    "Vorbis": ("vorbisenc ! rtpvorbispay", 44_100, 1),
}


def url_of(port: int) -> str:
    return f"rtsp://127.0.0.1:{port}/live"


def secret(url: str) -> str:
    return url.replace("//", "//ann:hidden@")


def heard(url: str, seconds: float) -> list[Sound]:
    """What the decoder makes of a stream."""
    connection = connect(parse_address(url))
    decoder = StreamDecoder(connection.is_rtp)

    def feed() -> None:
        while (data := connection.read(2**14)) and decoder.feed(data):
            pass

    feeding = threading.Thread(target=feed)
    feeding.start()
    sounds: list[Sound] = []
    while sum(sound.samples.shape[0] / sound.form.sample_rate for sound in sounds) < seconds:
        sound = decoder.read()
        assert sound is not None
        sounds.append(sound)
    connection.end()
    decoder.kill()
    feeding.join()
    connection.close()
    decoder.close()
    return sounds


def check(url: str, rate: int, channels: int) -> None:
    *_, last = heard(url, 1.0)
    assert last.form == (rate, channels)
    level_dbfs = 10 * np.log10(np.square(last.samples).mean())
    assert level_dbfs == pytest.approx(LEVEL_DBFS, abs=1.5)


@contextlib.contextmanager
def room(url: str, *more: str) -> Iterator[tuple[Daemon, Iterator[dict[str, Any]]]]:
    with running_daemon("--source", f"room={url}", *MODEL, "--json", *more) as daemon:
        yield daemon, daemon.events()


def status(events: Iterator[dict[str, Any]]) -> tuple[str, str]:
    event = next(event for event in events if event["type"] == "status")
    return event["status"], event["detail"]


def connections_to(port: int) -> int:
    """How many TCP connections there are to a port of this machine."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


@pytest.mark.parametrize("name", ENCODERS)
def test_each_codec_that_it_encodes_is_played(name: str) -> None:
    then, rate, channels = ENCODERS[name]
    port = free_port()
    with gstreamer(port, tone(then, rate, channels)):
        check(url_of(port), rate, channels)


@pytest.mark.parametrize("name", FILES)
def test_each_codec_of_a_file_is_played(name: str, tmp_path: Path) -> None:
    container, codec, then, rate, channels = FILES[name]
    port, file = free_port(), tmp_path / "tone"
    file.write_bytes(encoded(container, codec, rate, seconds=10.0))
    with gstreamer(port, f"( filesrc location={file} ! {then} name=pay0 )"):
        check(url_of(port), rate, channels)


def test_it_is_killed_and_comes_back_at_another_rate_after_a_gap() -> None:
    port = free_port()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(gstreamer(port, tone(L16, 16_000)))
        with room(url_of(port)) as (_, events):
            assert status(events)[0] == "running"
            before = next(event for event in events if event["type"] == "emotion")
            server.kill()
            lost, detail = status(events)
            assert lost == "reconnecting"
            assert detail.startswith(f"{url_of(port)}: ")
            stack.close()
            with gstreamer(port, tone(L16, 44_100, 2)):
                assert status(events)[0] == "running"
                after = next(event for event in events if event["type"] == "emotion")
    assert after["end"] > before["end"] + 0.5  # the time between is a gap
    assert after["level_dbfs"] == pytest.approx(LEVEL_DBFS, abs=1.5)


def test_mute_ends_the_connection_and_unmute_connects_again() -> None:
    port = free_port()
    with gstreamer(port, tone(L16)), room(url_of(port)) as (daemon, events):
        assert status(events)[0] == "running"
        assert connections_to(port) == 1
        with listen(daemon.websocket_url) as listener:
            listener.send('{"type":"mute","muted":true}')
            assert status(events)[0] == "muted"
            await_decoders(daemon.process.pid, 0)
            assert connections_to(port) == 0
            listener.send('{"type":"mute","muted":false}')
            assert status(events)[0] == "running"


def test_pictures_beside_the_sound_are_left_aside() -> None:
    port = free_port()
    picture = f"{PICTURE} name=pay1 pt=97"
    with gstreamer(port, tone(L16).replace("( ", f"( {picture} ", 1)):
        check(url_of(port), 16_000, 1)


def test_pictures_alone_are_no_sound() -> None:
    port = free_port()
    with (
        gstreamer(port, f"( {PICTURE} name=pay0 pt=97 )"),
        pytest.raises(SourceError, match="it has no sound"),
    ):
        connect(parse_address(url_of(port)))


def test_a_path_that_is_not_served_is_waited_for() -> None:
    port = free_port()
    with gstreamer(port, tone(L16)), room(url_of(port).replace("live", "other")) as (_, events):
        lost, detail = status(events)
    assert lost == "reconnecting"
    assert "it has no such stream at present" in detail


@pytest.mark.parametrize("basic", [False, True], ids=["digest", "basic"])
def test_a_password_opens_it_and_a_wrong_one_does_not(basic: bool) -> None:
    port = free_port()
    url = url_of(port)
    with gstreamer(port, tone(L16), user="ann", password="hidden", basic=basic):  # noqa: S106
        check(secret(url), 16_000, 1)
        with pytest.raises(SourceError, match="it wants a user and a password"):
            connect(parse_address(url))
        for wrong in (url.replace("//", "//ann:wrong@"), url.replace("//", "//bob:hidden@")):
            with pytest.raises(SourceError, match="does not accept the user or the p") as refused:
                connect(parse_address(wrong))
            assert "hidden" not in str(refused.value)


def test_the_password_is_told_to_nobody(tmp_path: Path) -> None:
    """Neither in events, metrics, health and log, nor in the titles of the processes."""
    port = free_port()
    settings = tmp_path / "settings.toml"
    settings.write_text(f'source = ["room={secret(url_of(port))}?token=hidden"]\n')
    with (
        gstreamer(port, tone(L16), user="ann", password="hidden") as server,  # noqa: S106
        running_daemon("--config", str(settings), *MODEL, "--json") as daemon,
    ):
        events = daemon.events()
        seen = [next(events)]
        while seen[-1]["type"] != "emotion":
            seen.append(next(events))
        told = [json.dumps(seen)]
        for page in ("metrics", "healthz"):
            with urllib.request.urlopen(daemon.page_url + page, timeout=60) as response:  # noqa: S310
                told.append(response.read().decode())
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                told.append(process.read_text("utf-8", "replace"))
        server.kill()
        while seen[-1].get("status") != "reconnecting":
            seen.append(next(events))
        told.append(json.dumps(seen))
        assert daemon.stop() == 0
        told.append(daemon.stderr)
    assert "hidden" not in "".join(told)
    assert f"{url_of(port)}?…" in json.dumps(seen, ensure_ascii=False)


def test_tls_is_checked_and_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, pem = trustme.CA(), tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    port = free_port()
    url = url_of(port).replace("rtsp:", "rtsps:")
    with gstreamer(port, tone(L16), certificate=str(pem)):
        with pytest.raises(SourceError, match="its certificate is not valid"):
            connect(parse_address(url))
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            check(url, 16_000, 1)
