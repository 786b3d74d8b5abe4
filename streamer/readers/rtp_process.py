"""Decodes the sound of an RTSP connection: the decoder's process, confined like that of HTTP.

The daemon has asked for one track over its own connection, and passes on what then comes. FFmpeg
takes the packets of RTP apart and decodes what is in them. It gets a description that the daemon
has written: nothing in it names a file or an address.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.av_frames import Piece, gathered, samples_of
from emotiond.streamer.readers.rtp_input import FRAME, MARK, RtpInput, RtpStretch
from emotiond.streamer.readers.stream_input import StreamInput
from emotiond.streamer.readers.stream_process import serve

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

CODECS = (
    *("aac", "opus", "mp3", "mp3float", "mp2", "mp2float", "vorbis", "pcm_mulaw", "pcm_alaw"),
    *("pcm_s16be", "pcm_s24be", "g722", "g726", "g726le"),
)
_OPTIONS = {
    "sdp_flags": "custom_io",
    "reorder_queue_size": "0",  # TCP keeps the order
    "format_whitelist": "sdp",
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "none",
    "probesize": "4096",
    "analyzeduration": "0",  # the description says all
    "max_streams": "1",
}
_BUFFER_BYTES = 2**17  # the largest packet fits in
_REMEDY = "Let it send AAC, Opus, MP3, G.711, G.722, G.726 or PCM"
_DESCRIPTION = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
_PACKET = b"\x80" + bytes(11) + b"\xff" * 160  # 20 ms of silence in mu-law
EXAMPLE = b"".join(FRAME.pack(MARK, 0, len(part)) + part for part in (_DESCRIPTION, _PACKET))


def main() -> None:
    """Decode a stream of RTSP."""
    serve(sounds, EXAMPLE)


def sounds(stream: StreamInput) -> Iterator[Piece]:
    """Yield the sound of a stream, in pieces of at least 20 ms unless the form changes.

    Raises:
        SourceError: it is no sound.
    """
    yield from gathered(_decoded(RtpInput(stream)))


def _decoded(packets: RtpInput) -> Iterator[Piece]:
    import av

    decoder, held = None, b""
    while held or not packets.is_over:
        stretch = RtpStretch(packets, held)
        try:
            container = av.open(
                stretch, "r", format="sdp", options=_OPTIONS, buffer_size=_BUFFER_BYTES
            )
        except (av.FFmpegError, ValueError):
            raise _unknown() from None
        with container:
            if not container.streams.audio:
                raise _unknown()
            if decoder is None:  # it goes on from stretch to stretch
                decoder = _decoder_of(container.streams.audio[0])
            stretch.go_on()
            for packet in _packets(container, stretch):
                try:
                    frames: Sequence[av.AudioFrame] = decoder.decode(packet)
                except av.FFmpegError:  # damaged here
                    continue
                for frame in frames:
                    yield frame.sample_rate, samples_of(frame)
        held = stretch.held


def _decoder_of(audio: av.AudioStream) -> av.AudioCodecContext:
    decoder = audio.codec_context
    if decoder is None or decoder.name not in CODECS:
        raise _unknown()
    decoder.thread_count = 1  # there can be no threads
    if decoder.name.startswith("mp"):
        decoder.sample_rate = 0  # it is that of RTP's clock; the sound itself says its own
    return decoder


def _packets(container: InputContainer, stretch: RtpStretch) -> Iterator[Any]:
    """Yield the packets of the codec.

    The end of the description is the first end of the file, and there is one after damage.
    """
    import av

    while not stretch.is_over:
        with contextlib.suppress(av.FFmpegError):
            yield from (packet for packet in container.demux(0) if packet.size)


def _unknown() -> SourceError:
    return SourceError("it sends sound of an unknown codec", _REMEDY)
