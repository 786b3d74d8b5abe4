"""Real encoders at one end, the confined process in the middle, and samples at the other end."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.readers import confinement, stream_decoder, stream_process
from emotiond.streamer.readers.stream_decoder import StreamDecoder
from tests.support.processes import needs_proc
from tests.support.streams import FORMATS, LEVEL_DBFS, decoded, encoded, vorbis


@pytest.fixture
def decoder() -> Iterator[StreamDecoder]:
    begun = StreamDecoder()
    yield begun
    begun.close()


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_decoded(name: str, decoder: StreamDecoder) -> None:
    container, codec, rate = FORMATS[name]
    counts, level_dbfs = decoded(decoder, encoded(container, codec, rate))
    ((form, count),) = counts.items()
    assert form == (rate, 1)
    assert count / rate == pytest.approx(2.0, abs=0.06)
    assert level_dbfs == pytest.approx(LEVEL_DBFS, abs=1.0)


@pytest.mark.parametrize(("name", "channels"), [("AAC", 8), ("WAV", 8), ("Opus in Ogg", 6)])
def test_surround_sound_is_decoded(name: str, channels: int, decoder: StreamDecoder) -> None:
    container, codec, rate = FORMATS[name]
    counts, _ = decoded(decoder, encoded(container, codec, rate, channels, seconds=0.5))
    ((form, count),) = counts.items()
    assert form == (rate, channels)
    assert count / rate == pytest.approx(0.5, abs=0.06)


def test_vorbis_is_decoded_and_each_link_of_a_chain_at_its_own_rate(decoder: StreamDecoder) -> None:
    counts, _ = decoded(decoder, vorbis(44_100) + vorbis(22_050, 2) + vorbis(22_050, 2))
    assert counts.keys() == {(44_100, 1), (22_050, 2)}
    assert counts[44_100, 1] / 44_100 == pytest.approx(2.0, abs=0.05)
    assert counts[22_050, 2] / 22_050 == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize(
    ("container", "codec", "rates"),
    [
        ("adts", "aac", (44_100, 22_050)),
        ("mp3", "libmp3lame", (44_100, 22_050)),
        ("mpegts", "aac", (48_000, 24_000)),
        ("ogg", "libopus", (48_000, 48_000)),
    ],
)
def test_a_change_of_rate_or_channels_goes_on(
    container: str, codec: str, rates: tuple[int, int], decoder: StreamDecoder
) -> None:
    first, other = rates
    content = encoded(container, codec, first) + encoded(container, codec, other, channels=2)
    counts, _ = decoded(decoder, content)
    assert counts[first, 1] / first == pytest.approx(2.0, abs=0.1)
    assert counts[other, 2] / other == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("adts", "aac"), ("mpegts", "aac")]
)
def test_a_stream_that_is_joined_in_its_middle_is_decoded(
    container: str, codec: str, decoder: StreamDecoder
) -> None:
    counts, _ = decoded(decoder, encoded(container, codec, 48_000)[5_001:])
    assert counts[48_000, 1] / 48_000 > 1.0


TEXTS = {
    b"#EXTM3U\nhttp://192.0.2.1/x.ts\n": "a playlist",
    b"\xef\xbb\xbf \n#EXTM3U\n": "a playlist",
    b"[playlist]\nFile1=http://192.0.2.1/\n": "a playlist",
    b'<?xml version="1.0"?><MPD/>': "a playlist",
    b"<!DOCTYPE html><html></html>": "a web page",
    b"v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\n": "the description of a session",
    b"ffconcat version 1.0\nfile /etc/passwd\n": "a list of files",
    b";FFMETADATA1\ntitle=x\n": "metadata",
    b"http://192.0.2.1/live.mp3\n": "an address",
    b"rtsp://192.0.2.1/live\n": "an address",
}


@pytest.mark.parametrize("text", TEXTS)
def test_what_refers_to_other_places_is_refused_with_a_sentence(
    text: bytes, decoder: StreamDecoder
) -> None:
    with pytest.raises(SourceError, match=f"it sends {TEXTS[text]}.*the address of the sound"):
        decoded(decoder, text)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"OggS",
        b"fLaC" + bytes(5_000),
        b"\x1aE\xdf\xa3" + b"\xff" * 5_000,
        np.random.default_rng(1).bytes(100_000),
        b"GIF89a" + bytes(5_000),
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\xff\xff\xff\xff\xff\xff" + bytes(5_000),
        encoded("wav", "pcm_s16le", 1_000),
    ],
    ids=lambda content: repr(content[:8]),
)
def test_what_is_no_sound_is_refused_with_a_sentence(
    content: bytes, decoder: StreamDecoder
) -> None:
    with pytest.raises(SourceError, match=r"^it (sends|is) (no sound|[0-9]+ channels)"):
        decoded(decoder, content)


def test_a_container_or_codec_that_is_not_listed_is_refused(decoder: StreamDecoder) -> None:
    with pytest.raises(SourceError, match=r"no sound of a known format.*Let it send MP3"):
        decoded(decoder, encoded("aiff", "pcm_s16be", 16_000))


def test_samples_that_are_no_numbers_are_refused(decoder: StreamDecoder) -> None:
    content = bytearray(encoded("wav", "pcm_f32le", 48_000))
    content[-4_000:] = np.full(1_000, np.nan, "<f4").tobytes()
    with pytest.raises(SourceError, match="not finite"):
        decoded(decoder, bytes(content))


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")
def test_a_packet_of_hours_does_not_come_at_once(decoder: StreamDecoder) -> None:
    """Twelve minutes of silence in one packet of Matroska."""
    count, rate = 1_500_000, 2_000
    written = io.BytesIO()
    with av.open(written, "w", format="matroska") as output:
        stream = output.add_stream("pcm_u8", rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        silence = np.full((1, count), 128, np.uint8)
        frame = av.AudioFrame.from_ndarray(silence, format="u8", layout="mono")
        frame.sample_rate = rate
        output.mux(stream.encode(frame))
    counts = []
    feeding = threading.Thread(target=decoder.feed, args=[written.getvalue()])
    feeding.start()
    while sum(counts) < count:
        heard = decoder.read()
        assert heard is not None
        counts.append(heard.samples.shape[0])
    feeding.join()
    assert max(counts) * 4 <= stream_process.MOST_BLOCK_BYTES
    assert len(counts) > 1


def test_the_process_is_confined_and_holds_three_pipes_alone(decoder: StreamDecoder) -> None:
    decoder.feed(encoded("mp3", "libmp3lame", 44_100))
    assert decoder.read() is not None
    process = Path(f"/proc/{decoder._process.pid}")
    state = (process / "status").read_text()
    assert "\nSeccomp:\t2\n" in state
    assert "\nNoNewPrivs:\t1\n" in state
    opened = {place.readlink().name.partition(":")[0] for place in (process / "fd").iterdir()}
    assert opened == {"pipe", "null"}


@needs_proc
def test_no_variable_of_the_daemon_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIOND_SOURCE", "https://user:secret@192.0.2.1/")
    decoder = StreamDecoder()
    try:
        decoder.feed(encoded("mp3", "libmp3lame", 44_100))
        assert decoder.read() is not None
        content = Path(f"/proc/{decoder._process.pid}/environ").read_bytes()
        assert b"PATH=" in content
        assert b"secret" not in content
    finally:
        decoder.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")
def test_without_the_library_it_decodes_and_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    confinement.warn.cache_clear()
    missing = "import emotiond.streamer.readers.confinement as c; c._LIBRARY = 'libnone.so'; "
    command = stream_decoder._COMMAND.replace("main()", f"{missing}main()")
    monkeypatch.setattr(stream_decoder, "_COMMAND", command)
    decoder = StreamDecoder()
    decoded(decoder, encoded("wav", "pcm_s16le", 16_000))
    decoder.close()
    (line,) = caplog.messages
    assert line.startswith("network streams are decoded unconfined: libnone.so is missing")


ANSWERS = {
    "another kind": "HEAD.pack(b'?', 0)",
    "a length beyond the limit": "HEAD.pack(BLOCK, 2**31)",
    "a block before the form": "HEAD.pack(BLOCK, 4) + bytes(4)",
    "no form": "HEAD.pack(FORM, 2) + b'{}'",
    "a form of no sound": "HEAD.pack(FORM, 17) + b'[16000, 99, null]'",
    "half a sample": "HEAD.pack(FORM, 16) + b'[16000, 1, null]' + HEAD.pack(BLOCK, 3) + bytes(3)",
    "no refusal": "HEAD.pack(REFUSED, 1) + b'['",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_process_that_was_taken_over_can_answer_nonsense_alone(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import sys; sys.path[:] = sys.argv[1:]; "
        "from emotiond.streamer.readers.stream_process import BLOCK, FORM, HEAD, REFUSED; "
        f"sys.stdout.buffer.write({ANSWERS[answer]})"
    )
    monkeypatch.setattr(stream_decoder, "_COMMAND", program)
    decoder = StreamDecoder()
    with pytest.raises(SourceError, match="answers nonsense"):
        decoder.read()
    decoder.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("s.MOST_CPU_SECONDS = 0.3; s.sounds = lambda _: iter(int, 1); ", "has ended too early"),
        (
            "s.confine = lambda: setattr(s, 'gathered', lambda _: iter(bytearray(2**31))); ",
            "it takes more memory than a stream may",
        ),
    ],
)
def test_its_time_and_its_memory_are_limited(
    change: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = f"import emotiond.streamer.readers.stream_process as s; {change}"
    command = stream_decoder._COMMAND.replace("main()", f"{before}main()")
    monkeypatch.setattr(stream_decoder, "_COMMAND", command)
    decoder = StreamDecoder()
    with pytest.raises(SourceError, match=said):
        decoded(decoder, b"x")
    decoder.close()


def test_a_crash_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_decoder, "_COMMAND", "import os; os.abort()")
    decoder = StreamDecoder()
    with pytest.raises(SourceError, match="its decoder has ended too early"):
        decoder.read()
    decoder.close()
