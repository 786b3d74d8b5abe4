"""Decodes the bytes of a network stream: the decoder's process, confined like that of files.

It reads the stream from standard input, and answers with messages: one byte for the kind, four
bytes for the length, and the content. PyAV, the bindings of FFmpeg, knows a few containers and
codecs here and opens nothing by itself: the daemon has opened the connection, and feeds it.
"""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.av_frames import Piece, gathered, samples_of
from emotiond.streamer.readers.confinement import Unconfined, confine
from emotiond.streamer.readers.references import reference_in
from emotiond.streamer.readers.riff import WAV
from emotiond.streamer.readers.stream_input import OggLink, StreamInput

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

FORM, BLOCK, REFUSED = b"F", b"B", b"X"
HEAD = struct.Struct("<cI")
CONTAINERS = ("mp3", "aac", "ogg", "flac", "wav", "matroska", "webm", "mpegts")
"""By FFmpeg's names; ``aac`` is ADTS."""
CODECS = (
    *("mp3", "mp3float", "mp2", "mp2float", "aac", "aac_latm", "opus", "vorbis", "flac"),
    *("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"),
)
MOST_MEMORY_BYTES = 2**30  # of address space, libraries included
MOST_BLOCK_BYTES = 2**22  # a packet of a file may hold hours, and the daemon holds a block
MOST_CPU_SECONDS = 20.0  # from one block to the next
_BEGINNING_BYTES = 64  # they tell a playlist
_PROBE_BYTES = 2**17
_OPTIONS = {
    "format_whitelist": ",".join(CONTAINERS),
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "none",
    "probesize": str(_PROBE_BYTES),
    "analyzeduration": "1000000",  # microseconds
    "max_streams": "16",
}
_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # they end the daemon, and that ends the process
_REMEDY = "Let it send MP3, AAC, Ogg, FLAC, WAV, Matroska, WebM or MPEG-TS"

Message = tuple[bytes, bytes]


Sounds = Callable[[StreamInput], Iterator[Piece]]
"""Yields the sound in what the daemon feeds."""


def main() -> None:
    """Decode a stream of HTTP."""
    serve(sounds, WAV)


def serve(sounds_of: Sounds, example: bytes) -> None:
    """Decode standard input until it ends.

    Args:
        sounds_of: finds the sound.
        example: has such a sound, for what must be done once before nothing else is allowed.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    _allow_cpu()
    unconfined = _confine(sounds_of, example)
    output = sys.stdout.buffer
    try:
        stream = StreamInput(lambda most: os.read(0, most))
        for kind, content in answers(sounds_of, stream, unconfined):
            output.write(HEAD.pack(kind, len(content)))
            output.write(content)
            output.flush()
            _allow_cpu()
    except OSError:  # the daemon has left
        pass
    os._exit(0)


def _confine(sounds_of: Sounds, example: bytes) -> Unconfined | None:
    """Do once all that decoding imports and opens, then give up everything else."""
    for _ in sounds_of(StreamInput(io.BytesIO(example).read)):
        pass
    _allow_cpu()
    return confine()


def _allow_cpu() -> None:
    """End the process if it computes for too long. Waiting for the server costs nothing."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, MOST_CPU_SECONDS)


def answers(
    sounds_of: Sounds, stream: StreamInput, unconfined: Unconfined | None
) -> Iterator[Message]:
    """Yield the messages to the daemon: form and blocks, and why there are no more."""
    form = None
    try:
        for rate, samples in sounds_of(stream):
            if form != (rate, samples.shape[1]):
                form = rate, samples.shape[1]
                yield FORM, json.dumps([*form, unconfined]).encode()
            size = MOST_BLOCK_BYTES // (samples.shape[1] * samples.itemsize)
            for start in range(0, samples.shape[0], size):
                yield BLOCK, samples[start : start + size].tobytes()
        if form is None:
            raise SourceError("it sends no sound", _REMEDY)
    except SourceError as error:
        yield REFUSED, json.dumps((error.problem, error.remedy)).encode()
    except MemoryError:
        refused = ("it takes more memory than a stream may", "Let it send another format")
        yield REFUSED, json.dumps(refused).encode()


def sounds(stream: StreamInput) -> Iterator[Piece]:
    """Yield the sound of a stream, in pieces of at least 20 ms unless the form changes.

    Raises:
        SourceError: it is no sound.
    """
    beginning = stream.peek(_BEGINNING_BYTES)
    if (reference := reference_in(beginning)) is not None:
        raise SourceError(
            f"it sends {reference}, and no sound", "Give the address of the sound itself"
        )
    if not beginning.startswith(b"OggS"):
        yield from gathered(_decoded(stream))
        return
    while stream.peek(1):
        yield from gathered(_decoded(OggLink(stream)))


def _decoded(source: StreamInput | OggLink) -> Iterator[Piece]:
    import av

    try:
        container = av.open(source, "r", options=_OPTIONS)
    except (av.FFmpegError, ValueError):  # an unknown container, or one that is not allowed
        raise SourceError("it sends no sound of a known format", _REMEDY) from None
    with container:
        if not container.streams.audio:
            raise SourceError("it sends no sound", _REMEDY)
        audio = container.streams.audio[0]
        if audio.codec_context is None or audio.codec_context.name not in CODECS:
            raise SourceError("it sends sound of an unknown codec", _REMEDY)
        audio.codec_context.thread_count = 1  # there can be no threads
        for packet in _packets(container):
            try:
                frames: Sequence[av.AudioFrame] = packet.decode()
            except av.FFmpegError:  # damaged here
                continue
            for frame in frames:
                yield frame.sample_rate, samples_of(frame)


def _packets(container: InputContainer) -> Iterator[Any]:  # PyAV 14 has other types than 18
    """Yield the packets up to the end, or to what cannot be parsed any more."""
    import av

    while True:
        try:
            yield from container.demux(container.streams.audio[0])
        except IndexError:  # a packet of a stream that came later, which PyAV does not know
            continue
        except av.FFmpegError:
            pass
        return
