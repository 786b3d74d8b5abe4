"""Packets of RTP at one end, the confined process in the middle, and samples at the other end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.stream_decoder import StreamDecoder
from emotiond.streamer.sources.rtsp_description import track_of
from tests.support.processes import needs_proc
from tests.support.rtp import FORMATS, description, framed, packet, sound
from tests.support.streams import LEVEL_DBFS, decoded

MESSAGE = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Length: 4\r\n\r\n$\0\0\1"


@pytest.fixture
def decoder() -> Iterator[StreamDecoder]:
    begun = StreamDecoder(is_rtp=True)
    yield begun
    begun.close()


def described(name: str) -> bytes:
    number, lines, *_ = FORMATS[name]
    return framed(track_of(description(number, lines), "rtsp://camera.example/").description)


@pytest.mark.parametrize("name", FORMATS)
def test_each_codec_is_decoded_at_its_own_rate(name: str, decoder: StreamDecoder) -> None:
    rate = FORMATS[name][3]
    counts, level_dbfs = decoded(decoder, described(name) + b"".join(sound(name)))
    ((form, count),) = counts.items()
    assert form == (rate, 2 if name == "Opus" else 1)
    assert count / rate == pytest.approx(2.0, abs=0.25)
    assert level_dbfs == pytest.approx(LEVEL_DBFS, abs=1.0)


def test_no_sample_is_lost_where_a_new_demuxer_goes_on(decoder: StreamDecoder) -> None:
    """A minute of PCM is 1.9 MB: ten demuxers of FFmpeg, one after the other."""
    ramp = np.arange(60 * 16_000, dtype=">i2")
    packets = [
        framed(packet("96", index, 320 * index, part.tobytes()))
        for index, part in enumerate(ramp.reshape(-1, 320))
    ]
    content = described("L16") + b"".join(packets)
    heard = []
    feeding = threading.Thread(target=lambda: (decoder.feed(content), decoder.end_input()))
    feeding.start()
    while (block := decoder.read()) is not None:
        heard.append(block.samples[:, 0])
    feeding.join()
    assert np.array_equal(np.concatenate(heard), ramp.astype(np.float32) / 2**15)


def test_all_else_on_the_connection_is_passed_over(decoder: StreamDecoder) -> None:
    """Answers to the daemon, requests, other channels, reports, and what is too short."""
    report = b"\x80\xc8\0\1" + bytes(24)
    others = [MESSAGE, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", framed(report, 1), framed(b"")]
    others += [framed(report), framed(b"\x80\0\0"), framed(bytes(65_535), 9)]
    mixed = [part for index, part in enumerate(sound("PCMU")) for part in (part, others[index % 7])]
    counts, level_dbfs = decoded(decoder, described("PCMU") + b"".join(mixed))
    assert counts == {(8_000, 1): 16_000}
    assert level_dbfs == pytest.approx(LEVEL_DBFS, abs=1.0)


BROKEN = {
    "a line without an end": b"x" * 10_000,
    "headers without an end": b"RTSP/1.0 200 OK\r\n" + b"x: y\r\n" * 200,
    "a length that is none": b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a length beyond the limit": b"RTSP/1.0 200 OK\r\nContent-Length: 99999\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_rtsp_is_refused_with_a_sentence(name: str, decoder: StreamDecoder) -> None:
    with pytest.raises(SourceError, match=r"^it breaks the rules of RTSP"):
        decoded(decoder, described("PCMU") + b"".join(sound("PCMU", 0.2)) + BROKEN[name])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        described("PCMU"),
        described("PCMU") + framed(np.random.default_rng(1).bytes(500)),
        described("PCMU") + b"$\0\xff\xff" + bytes(100),
        framed(b"v=0\r\nm=audio 0 RTP/AVP 3\r\n"),
        framed(b"v=0\r\nm=video 0 RTP/AVP 26\r\n"),
        framed(b"\0" * 100),
    ],
    ids=["nothing", "no packet", "noise", "half a packet", "GSM", "a picture", "zeros"],
)
def test_what_has_no_sound_is_refused_with_a_sentence(
    content: bytes, decoder: StreamDecoder
) -> None:
    with pytest.raises(SourceError, match=r"^it sends (no sound|sound of an unknown codec)"):
        decoded(decoder, content)


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")
def test_the_process_is_confined_and_holds_three_pipes_alone(decoder: StreamDecoder) -> None:
    decoder.feed(described("AAC") + b"".join(sound("AAC")))
    assert decoder.read() is not None
    process = Path(f"/proc/{decoder._process.pid}")
    assert "\nSeccomp:\t2\n" in (process / "status").read_text()
    opened = {place.readlink().name.partition(":")[0] for place in (process / "fd").iterdir()}
    assert opened == {"pipe", "null"}
