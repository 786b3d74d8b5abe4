"""Reads the sound of films and phones (MP4, MOV, M4A, Matroska, WebM, AAC, ...) through FFmpeg.

PyAV, the bindings of FFmpeg, comes with the extra ``media``. It knows a few containers and codecs
here, opens nothing but the file that it is given, and may crash, as libsndfile may. Video is left
aside. Times are those of the container, see :mod:`timeline`.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError, install
from emotiond.streamer.readers.av_samples import samples_of
from emotiond.streamer.readers.conforming import Conforming
from emotiond.streamer.readers.containers import BEGINNING_BYTES, container_of
from emotiond.streamer.readers.opening import open_to_read
from emotiond.streamer.readers.reader import UnknownFormatError
from emotiond.streamer.readers.riff import WAV
from emotiond.streamer.readers.timeline import Packet, Sound, Timeline, apple_length

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

CONTAINERS = ("mov", "matroska", "mpegts", "mpeg", "avi", "asf", "aac", "amr")
"""By FFmpeg's names: ``mov`` is MP4, M4A, MOV and 3GP, ``matroska`` WebM too, ``aac`` ADTS."""
CODECS = (
    *("aac", "aac_latm", "alac", "mp3", "mp3float", "mp2", "mp2float", "opus", "vorbis", "flac"),
    *("ac3", "eac3", "amrnb", "amrwb", "wmav1", "wmav2", "adpcm_ms", "adpcm_ima_wav", "pcm_u8"),
    *("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_mulaw", "pcm_alaw"),
    *("pcm_s8", "pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be", "pcm_bluray"),
    "pcm_dvd",
)
MOST_TRACKS = 64
_OPTIONS = {
    "format_whitelist": ",".join(("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", *CONTAINERS, "wav")),
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "none",
    "max_streams": str(MOST_TRACKS),
}
_TIMED = ("mov", "matroska", "mpegts", "mpeg", "asf")
"""Their packets have times of their own. Those of the others are counted by FFmpeg."""
_APPLE_COUNTS = "iTunSMPB"
_MICROSECONDS = 1e6
_CONVERT = "Convert it by another program, for instance: ffmpeg -i FILE out.wav"


class MediaReader:
    """Reads the best audio track of a file through FFmpeg. See :class:`SoundReader`.

    Args:
        path: the path, or a name for messages if there is content.
        content: a file without a path; it stays open.

    Raises:
        UnknownFormatError: the file is none of these containers.
        SourceError: PyAV is missing, the file is damaged, or it has no audio track.
    """

    def __init__(self, path: str, content: BinaryIO | None) -> None:
        self._path = path
        self._container: Any = None
        self._is_owner = content is None
        self._bytes = open_to_read(path) if content is None else content
        try:
            is_there = _load()
            self._bytes.seek(0)
            name = container_of(self._bytes.read(BEGINNING_BYTES))
            if name is None:
                raise UnknownFormatError(f"{path}: not a sound file that can be read", _CONVERT)
            if not is_there:
                raise SourceError(f"{path}: only PyAV reads films and M4A", install("av"))
            self._bytes.seek(0)
            self._container, track = _open(path, self._bytes, name)
            timeline = _timeline(self._container, track, name)
            self._sounds = timeline.presented(_decoded(path, self._container, track))
            first = next(self._sounds, None)
            if first is None:
                raise SourceError(
                    f"{path}: its audio track holds no sound", "Copy or record it again"
                )
        except BaseException:
            self.close()
            raise
        self.sample_rate, self.channels = first.sample_rate, first.samples.shape[1]
        self._form = self._form_now = self.sample_rate, self.channels
        self._conforming = Conforming(*self._form, *self._form)
        self._waiting = first.samples

    def read(self, frames: int) -> FloatArray:
        """Return the next samples."""
        parts, count = [self._waiting], self._waiting.shape[0]
        while count < frames and (sound := next(self._sounds, None)) is not None:
            for part in self._conformed(sound):
                parts.append(part)
                count += part.shape[0]
        if count < frames:
            parts.append(self._conforming.rest())
            self._conforming = Conforming(*self._form, *self._form)
        whole = np.concatenate(parts)
        self._waiting = whole[frames:]
        return whole[:frames]

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
        if self._is_owner:
            self._bytes.close()

    def _conformed(self, sound: Sound) -> Iterator[FloatArray]:
        form = sound.sample_rate, sound.samples.shape[1]
        if form != self._form_now:
            yield self._conforming.rest()
            self._conforming = Conforming(*self._form, *form)
            self._form_now = form
        yield self._conforming.push(sound.samples)


@functools.cache
def _load() -> bool:
    """Import PyAV, and have it do once what it does once. Returns whether it is installed."""
    try:
        import av
    except ImportError:
        return False
    with av.open(io.BytesIO(WAV), "r", "wav", _OPTIONS) as container:
        for frame in container.decode(container.streams.audio[0]):
            samples_of(frame)
    return True


def _open(path: str, file: BinaryIO, name: str) -> tuple[InputContainer, AudioStream]:
    """Return the container and its best audio track, of which FFmpeg knows the rules."""
    import av
    from av.audio.stream import AudioStream

    try:
        container = av.open(file, "r", name, _OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError, IndexError):
        raise SourceError(
            f"{path}: it is damaged, or was never finished", f"Copy or record it again. {_CONVERT}"
        ) from None
    try:
        track = container.streams.best("audio")
        if track is None:
            raise SourceError(f"{path}: it has no sound", "Name a file with an audio track")
        assert isinstance(track, AudioStream)
        codec = None if track.codec_context is None else track.codec_context.name
        if codec not in CODECS:
            raise SourceError(
                f"{path}: its sound is of a codec that is not read ({codec or 'unknown'})", _CONVERT
            )
        _leave_aside(container, track)
        track.codec_context.thread_count = 1  # there can be no threads
        return container, track
    except BaseException:
        container.close()
        raise


def _leave_aside(container: InputContainer, track: AudioStream) -> None:
    """Have FFmpeg skip all other tracks on the disk, from PyAV 18 on; earlier ones read them."""
    for other in container.streams:
        if other is not track and (discard := getattr(other, "discard", None)) is not None:
            setattr(other, "discard", type(discard).all)  # noqa: B010 - earlier ones do not have it


def _timeline(container: InputContainer, track: AudioStream, name: str) -> Timeline:
    """Return what the container says of its times."""
    origin = (container.start_time or 0) / _MICROSECONDS
    whole = None if container.duration is None else container.duration / _MICROSECONDS
    end = None
    length = apple_length(container.metadata.get(_APPLE_COUNTS, ""))
    if length is not None and track.rate:
        end = length / track.rate
    elif name == "mov" and track.duration and track.time_base:
        end = float(((track.start_time or 0) + track.duration) * track.time_base) - origin
    return Timeline(name in _TIMED, origin, whole, end)


def _decoded(path: str, container: InputContainer, track: AudioStream) -> Iterator[Packet]:
    """Yield the sound up to the end, or to what cannot be parsed any more.

    Raises:
        SourceError: the samples are of an unknown kind.
    """
    import av

    for packet in _packets(container, track):
        try:
            frames = packet.decode()
        except av.FFmpegError:  # damaged here: the time of the next packet leaves a hole
            continue
        for frame in frames:
            samples = samples_of(frame)
            if samples is None:
                raise SourceError(f"{path}: its samples are of an unknown kind", _CONVERT)
            yield Packet(frame.time, frame.sample_rate, samples)


def _packets(container: InputContainer, track: AudioStream) -> Iterator[Any]:
    """Yield the packets up to the end, or to what cannot be parsed any more."""
    import av

    while True:
        try:
            yield from container.demux(track)
        except IndexError:  # of a track that came later, which PyAV does not know
            continue
        except av.FFmpegError:
            pass
        return
