"""Encoded tones, and a server that streams them as it is told."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import av
import numpy as np
import soundfile

from emotiond.streamer.readers.stream_decoder import StreamDecoder
from tests.support.accepting import accepting
from tests.support.free_port import free_port

FORMATS = {
    "MP3": ("mp3", "libmp3lame", 44_100),
    "AAC": ("adts", "aac", 44_100),
    "Opus in Ogg": ("ogg", "libopus", 48_000),
    "FLAC": ("flac", "flac", 44_100),
    "WAV": ("wav", "pcm_s16le", 22_050),
    "WAV of 24 bits": ("wav", "pcm_s24le", 48_000),
    "WAV in floats": ("wav", "pcm_f32le", 48_000),
    "mu-law in WAV": ("wav", "pcm_mulaw", 8_000),
    "Opus in WebM": ("webm", "libopus", 48_000),
    "AAC in Matroska": ("matroska", "aac", 44_100),
    "AAC in MPEG-TS": ("mpegts", "aac", 48_000),
    "MP2 in MPEG-TS": ("mpegts", "mp2", 48_000),
}
"""Container, codec and rate, by FFmpeg's names."""
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
LEVEL_DBFS = -9.0
"""Of the tones."""


def decoded(decoder: StreamDecoder, content: bytes) -> tuple[Counter[tuple[int, int]], float]:
    """Return the samples of each form, by rate and channels, and the level of all."""

    def feed() -> None:
        decoder.feed(content)
        decoder.end_input()

    feeding = threading.Thread(target=feed)
    feeding.start()
    counts: Counter[tuple[int, int]] = Counter()
    power = 0.0
    while (heard := decoder.read()) is not None:
        counts[tuple(heard.form)] += heard.samples.shape[0]
        power += float(np.square(heard.samples).mean(axis=1).sum())
    feeding.join()
    return counts, 10 * np.log10(power / counts.total())


def encoded(
    container: str, codec: str, rate: int, channels: int = 1, seconds: float = 2.0
) -> bytes:
    """Return a tone of 300 Hz."""
    times = np.arange(round(rate * seconds)) / rate
    tone = np.repeat(0.5 * np.sin(2 * np.pi * 300 * times), channels).astype(np.float32)
    layout = _LAYOUTS[channels]
    frame = av.AudioFrame.from_ndarray(tone[None], format="flt", layout=layout)
    frame.sample_rate = rate
    written = io.BytesIO()
    with av.open(written, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        for part in av.AudioResampler(stream.format.name, layout, rate).resample(frame):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return written.getvalue()


def vorbis(rate: int, channels: int = 1, seconds: float = 2.0) -> bytes:
    """Return a tone in Ogg Vorbis, by libsndfile: PyAV's wheels have no encoder of it."""
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(round(rate * seconds)) / rate)
    written = io.BytesIO()
    soundfile.write(written, np.tile(tone[:, None], (1, channels)), rate, "VORBIS", format="OGG")
    return written.getvalue()


Answer = Callable[[socket.socket, bytes], None]
"""Answers a request: it gets the connection and the head of the request."""


def sending(*parts: bytes, head: bytes = b"HTTP/1.0 200 OK\r\n\r\n", then: bool = False) -> Answer:
    """Answer with these parts; ``then`` keeps the connection until the other side ends it."""

    def answer(client: socket.socket, _request: bytes) -> None:
        for part in (head, *parts):
            client.sendall(part)
        if then:
            client.recv(1)

    return answer


def redirecting(location: str) -> Answer:
    """Answer with a redirect."""
    return sending(head=f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode())


@dataclass
class Server:
    """A server of streams on loopback."""

    port: int
    answers: list[Answer]
    """One for each request; the last one for all further ones."""
    requests: list[bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    """Whether a connection has ended."""

    @property
    def url(self) -> str:
        """The address of a stream."""
        return f"http://127.0.0.1:{self.port}/live"


@contextlib.contextmanager
def serving(*answers: Answer, port: int = 0, pem: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve until the end, which ends all connections."""
    with socket.create_server(("127.0.0.1", port or free_port())) as listener:
        server = Server(listener.getsockname()[1], [*answers])

        def serve(asked: socket.socket) -> None:
            head = b""
            while b"\r\n\r\n" not in head and (new := asked.recv(4096)):
                head += new
            server.requests.append(head)
            answer = server.answers[min(len(server.requests), len(server.answers)) - 1]
            answer(asked, head)

        with accepting(listener, serve, server.ended, pem):
            yield server
