"""Tones in packets of RTP, as an RTSP connection carries them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import av
import numpy as np

from emotiond.streamer.readers.rtp_input import FRAME, MARK

FORMATS = {
    "PCMU": ("0", "", "pcm_mulaw", 8_000),
    "PCMA": ("8", "", "pcm_alaw", 8_000),
    "G.722": ("9", "", "g722", 16_000),
    "G.726": ("96", "a=rtpmap:96 G726-32/8000", "g726le", 8_000),
    "L16": ("96", "a=rtpmap:96 L16/16000/1", "pcm_s16be", 16_000),
    "L24": ("96", "a=rtpmap:96 L24/48000/1", "pcm_s24be", 48_000),
    "Opus": ("96", "a=rtpmap:96 opus/48000/2", "libopus", 48_000),
    "MP3": ("14", "a=rtpmap:14 MPA/90000", "libmp3lame", 44_100),
    "MP2": ("14", "", "mp2", 48_000),
    "AAC": (
        "97",
        "a=rtpmap:97 mpeg4-generic/44100/1\r\na=fmtp:97 streamtype=5;mode=AAC-hbr;"
        "config=1208;sizelength=13;indexlength=3;indexdeltalength=3",
        "aac",
        44_100,
    ),
}
"""Numbers in the description, further lines of it, and the encoder with its rate, by codec."""


def description(number: str, lines: str = "", control: str = "audio") -> bytes:
    """Return what a server says of a stream with one track."""
    return (
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=live\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "a=control:*\r\n"
        f"m=audio 5004 RTP/AVP {number}\r\n{lines}\r\na=control:{control}\r\n"
    ).encode()


def payloads(codec: str, rate: int, seconds: float) -> Iterator[bytes]:
    """Yield the packets of an encoder for a tone of 300 Hz at -9 dBFS."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout = rate, "mono"
    encoder.format = encoder.codec.audio_formats[0]
    if codec.startswith("g726"):
        encoder.bit_rate = 32_000
    times = np.arange(round(rate * seconds)) / rate
    tone = (0.5 * np.sin(2 * np.pi * 300 * times)).astype(np.float32)
    size = rate // 50
    fitting = av.AudioResampler(encoder.format.name, "mono", rate)
    encoder.open()
    fifo = av.AudioFifo()
    for start in range(0, len(tone), size):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + size], "flt", "mono")
        frame.sample_rate = rate
        for part in fitting.resample(frame):
            fifo.write(part)
        needed = encoder.frame_size or size
        while (full := fifo.read(needed)) is not None:
            yield from (bytes(packet) for packet in encoder.encode(full))


def packet(number: str, sequence: int, at: int, payload: bytes) -> bytes:
    """Return a packet of RTP."""
    return struct.pack(">BBHII", 0x80, int(number), sequence & 0xFFFF, at & 0xFFFFFFFF, 1) + payload


def framed(content: bytes, channel: int = 0) -> bytes:
    """Return a packet as the connection carries it."""
    return FRAME.pack(MARK, channel, len(content)) + content


def sound(name: str, seconds: float = 2.0) -> Sequence[bytes]:
    """Return a tone in packets, in the form of that name."""
    number, _, codec, rate = FORMATS[name]
    packed = []
    for index, payload in enumerate(payloads(codec, rate, seconds)):
        before = struct.pack(">HH", 16, len(payload) << 3) if codec == "aac" else b""
        before = bytes(4) if number == "14" else before
        packed.append(framed(packet(number, index, 1_000 * index, before + payload)))
    return packed
