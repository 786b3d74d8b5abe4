"""network-sources.md: its limits and lists are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from emotiond.streamer import bounded_answer
from emotiond.streamer.readers import rtp_input, rtp_process, sound_file, stream_process
from emotiond.streamer.sources import (
    http_connection,
    network_socket,
    network_stream,
    reconnecting,
    rtsp_connection,
    rtsp_description,
    rtsp_messages,
)

PAGE = (Path(__file__).parents[2] / "docs" / "network-sources.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
LIMITS = {
    "connection to each address of a host": f"{network_socket.CONNECT_SECONDS:g} s",
    "from there to the end of the headers; for RTSP, to its last answer": (
        f"{network_socket.ANSWER_SECONDS:g} s"
    ),
    "redirects": f"{http_connection.MOST_REDIRECTS}",
    "first sound after the connection": f"{network_stream.FIRST_SECONDS:g} s",
    "time without a byte, or without sound": f"{network_socket.SILENT_SECONDS:g} s",
    "headers of an answer of HTTP, and what comes before them": (
        f"{bounded_answer.MOST_HEAD_BYTES // 2**10} KiB"
    ),
    "line and headers of an answer of RTSP; the rest of it": (
        f"{rtp_input.MOST_LINE_BYTES // 2**10} KiB and {rtp_input.MOST_LINES}; "
        f"{rtsp_messages.MOST_CONTENT_BYTES // 2**10} KiB"
    ),
    "sample rate": f"{sound_file.LOWEST_RATE:,} to {sound_file.HIGHEST_RATE:,} Hz",
    "channels": f"{sound_file.MOST_CHANNELS}",
    "changes of rate or channels": f"{network_stream.MOST_CHANGES} in "
    f"{network_stream.CHANGES_SECONDS:g} s",
    "address space of the decoder": f"{stream_process.MOST_MEMORY_BYTES / 2**30:g} GiB",
    "computing from one block to the next": f"{stream_process.MOST_CPU_SECONDS:g} s",
}
CONTAINERS = {
    "MP3": {"mp3"},
    "ADTS (`.aac`)": {"aac"},
    "Ogg": {"ogg"},
    "FLAC": {"flac"},
    "WAV": {"wav"},
    "Matroska, WebM": {"matroska", "webm"},
    "MPEG-TS": {"mpegts"},
}


def test_its_limits_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)
    assert {what: limit for what, limit in rows if what not in ("what", "---")} == LIMITS
    pauses = reconnecting.growing_pauses()
    first = ", ".join(f"{next(pauses):g}" for _ in range(5))
    assert f"after {first} and then every {next(pauses):g} seconds" in TEXT
    soonest, lasting = next(reconnecting.growing_pauses()), f"{reconnecting.LASTING_SECONDS:g} s"
    assert f"with {soonest:g} again once sound has come for {lasting}" in TEXT
    assert f"a file of less than {lasting} after" in TEXT
    assert f"falls silent for {network_socket.SILENT_SECONDS:g} s" in TEXT
    assert f"less than {network_socket.SILENT_SECONDS:g} s" in TEXT
    assert f"told** every {rtsp_connection.LONGEST_PAUSE_SECONDS:g} seconds" in TEXT
    assert f"followed {http_connection.MOST_REDIRECTS} times at most" in TEXT


def test_its_containers_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)
    assert [row for row in rows if row not in ("container", "---")] == [*CONTAINERS]
    assert set().union(*CONTAINERS.values()) == set(stream_process.CONTAINERS)


def test_each_codec_of_the_code_is_named() -> None:
    names = {"mp3": "MP3", "mp2": "MP2", "aac": "AAC", "opus": "Opus", "vorbis": "Vorbis"}
    names |= {"flac": "FLAC", "pcm_mulaw": "mu-law", "pcm_alaw": "A-law", "pcm": "PCM of 8 to 32"}
    for codec in stream_process.CODECS:
        name = names.get(codec) or next(
            name for start, name in names.items() if codec.startswith(start)
        )
        assert name in PAGE


def test_each_codec_of_rtsp_is_named() -> None:
    (said,) = re.findall(r"From RTSP \(.*?\), it plays (.*?)\. Of a camera", TEXT)
    names = {"AAC": "aac", "Opus": "opus", "Vorbis": "vorbis", "MP3": "mp3", "MP2": "mp2"}
    names |= {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw", "G.722": "g722", "G.726": "g726"}
    names |= {"L16": "pcm_s16be", "L24": "pcm_s24be"}
    assert all(name in said for name in names)
    decoders = {codec.removesuffix("float") for codec in rtp_process.CODECS} - {"g726le"}
    assert decoders == set(names.values())
    encodings = {
        name.removeprefix("AAL2-").partition("-")[0] for name in rtsp_description.ENCODINGS
    }
    assert encodings == {
        *("MPEG4", "MP4A", "OPUS", "MPA", "VORBIS", "PCMU", "PCMA", "G722", "G726", "L16", "L24")
    }
