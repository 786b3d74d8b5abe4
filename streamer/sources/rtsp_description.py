"""The description of a stream by SDP (RFC 8866): which track of it has sound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emotiond.exceptions import SourceError

ENCODINGS = frozenset(
    {
        *("MPEG4-GENERIC", "MP4A-LATM", "OPUS", "MPA", "VORBIS", "PCMU", "PCMA", "G722"),
        *("G726-16", "G726-24", "G726-32", "G726-40", "L16", "L24"),
        *("AAL2-G726-16", "AAL2-G726-24", "AAL2-G726-32", "AAL2-G726-40"),
    }
)
"""The names of what is played, in upper case."""
STATIC = frozenset({0, 8, 9, 10, 11, 14})
"""The numbers of those that need no name: PCMU, PCMA, G722, two of L16, MPA."""
_MOST_URL = 2_000
_OTHERWISE = "Let it send AAC, Opus, MP3, G.711, G.722, G.726 or PCM"
_MEDIA = re.compile(r"m=audio [0-9]+(?:/[0-9]+)? RTP/AVPF? ([0-9 ]{1,200})")
_NAMED = re.compile(r"([0-9]{1,3}) +([A-Za-z0-9.-]{1,30})/[1-9][0-9]{0,5}(?:/[1-9][0-9]?)?")
_FORMAT = re.compile(r"([0-9]{1,3}) [ -~]{1,16000}")  # two repetitions of spaces take seconds
_URL = re.compile(rf"rtsps?://[!-~]{{1,{_MOST_URL}}}", re.IGNORECASE)


@dataclass(frozen=True)
class Track:
    """The sound of a stream."""

    url: str
    """What is set up. It names the track to the server that has described it, and leads nowhere."""
    stream_url: str
    """What is played."""
    description: bytes
    """For the decoder, in SDP: nothing in it names an address."""


def track_of(content: bytes, base: str) -> Track:
    """Return the first track with sound that can be played.

    Args:
        content: the description.
        base: the URL that the names in it are relative to.

    Raises:
        SourceError: there is none. The message quotes nothing.
    """
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    if not lines or lines[0] != "v=0":
        raise SourceError("it describes its stream in an unknown way", "Let it describe it in SDP")
    session, *media = _sections(lines)
    stream_url = _url(base, _attribute(session, "control"))
    sounds = [section for section in media if section[0].startswith("m=audio ")]
    for section in sounds:
        if (description := _description(section)) is not None:
            return Track(_url(base, _attribute(section, "control")), stream_url, description)
    if sounds:
        raise SourceError("it sends sound of an unknown codec", _OTHERWISE)
    raise SourceError("it has no sound", "Give it a microphone, or turn that on in its settings")


def _sections(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the lines about the whole, and those about each of its media."""
    starts = [0, *(index for index, line in enumerate(lines) if line.startswith("m="))]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start:end]


def _attributes(section: Sequence[str], name: str) -> Sequence[str]:
    start = f"a={name}:"
    return [line.removeprefix(start).strip() for line in section if line.startswith(start)]


def _attribute(section: Sequence[str], name: str) -> str:
    return next(iter(_attributes(section, name)), "")


def _url(base: str, control: str) -> str:
    """Return what a name of a track means. Clients join it so, whatever is in the base."""
    url = base
    if control.lower().startswith(("rtsp://", "rtsps://")):
        url = control
    elif control not in ("", "*"):
        url = f"{base.rstrip('/')}/{control.lstrip('/')}"
    if not _URL.fullmatch(url):
        raise SourceError("its description names no address of RTSP", "Try another path of it")
    return url


def _description(section: Sequence[str]) -> bytes | None:
    """Return what the decoder has to know of a track; None if it cannot be played."""
    media = _MEDIA.fullmatch(section[0])
    names = {}
    for value in _attributes(section, "rtpmap"):
        if named := _NAMED.fullmatch(value):
            names[int(named[1])] = (named[2].upper(), value)
    formats = {}
    for value in _attributes(section, "fmtp"):
        if form := _FORMAT.fullmatch(value):
            formats[int(form[1])] = value
    for number in map(int, media[1].split() if media else ()):
        name, named_value = names.get(number, ("", ""))
        if number > 127 or not (name in ENCODINGS or (not name and number in STATIC)):
            continue
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "t=0 0", f"m=audio 0 RTP/AVP {number}"]
        lines += [f"a=rtpmap:{named_value}"] if name else []
        lines += [f"a=fmtp:{formats[number]}"] if number in formats else []
        return "".join(f"{line}\r\n" for line in lines).encode()
    return None
