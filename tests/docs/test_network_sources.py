"""network-sources.md: its limits and lists are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from emotiond.streamer.readers import sound_file, stream_process
from emotiond.streamer.sources import http_connection, network_socket, network_stream, reconnecting

PAGE = (Path(__file__).parents[2] / "docs" / "network-sources.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
LIMITS = {
    "connection to each address of a host": f"{network_socket.CONNECT_SECONDS:g} s",
    "from there to the end of the headers": f"{network_socket.ANSWER_SECONDS:g} s",
    "redirects": f"{http_connection.MOST_REDIRECTS}",
    "first sound after the connection": f"{network_stream.FIRST_SECONDS:g} s",
    "time without a byte, or without sound": f"{network_socket.SILENT_SECONDS:g} s",
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
    assert f"falls silent for {network_socket.SILENT_SECONDS:g} s" in TEXT
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
