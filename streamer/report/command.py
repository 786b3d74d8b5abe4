"""``emotiond report``: makes the page of results and sessions."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotiond.exceptions import ReportError, printable
from emotiond.streamer.recordings import names

if TYPE_CHECKING:
    from emotiond.streamer.report.track import Track


def report(options: dict[str, Any]) -> int:
    """``emotiond report``: write one HTML file that shows what the given files hold."""
    from emotiond.streamer.report.pack import pack
    from emotiond.streamer.report.read import describe, read
    from emotiond.streamer.report.sound import encode, firsts_of
    from emotiond.streamer.report.track import named_apart
    from emotiond.streamer.report.write import page, title_of

    files, output = [Path(file) for file in options["files"]], Path(options["output"])
    _check_output(output, files, options["overwrite"])
    tracks: list[Track] = []
    for file in files:
        found = read(file)
        tracks += found.tracks
        if (remark := describe(file, found)) is not None:
            print(f"emotiond: {remark}", file=sys.stderr)
    if not any(track.rows for track in tracks):
        raise ReportError(
            "no event is in what was given",
            "Name results of emotiond analyze, of recordings that hold sound",
        )
    _check_recordings(output, tracks, options["overwrite"])
    named_apart(tracks)
    about, events = pack(tracks)
    sounds = encode(tracks, about["tracks"]) if options["sound"] else {}
    text = page(
        about, events, sounds, firsts_of(tracks), title_of(sorted({track.name for track in tracks}))
    )
    _write(output, text, holds_voices=bool(sounds))
    count = sum(len(track.rows) for track in tracks)
    recordings = len({(track.name, track.channel) for track in tracks})
    said = f"{count:,} events of {recordings} recording{'s' * (recordings != 1)}"
    if sounds:
        said += f", {_megabytes(sum(len(sound) for sound in sounds.values()) * 4 / 3)} of sound"
    print(printable(f"{output}: {_megabytes(len(text.encode()))}, {said}"), flush=True)
    return 0


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def _check_output(output: Path, files: Sequence[Path], overwrite: bool) -> None:
    """Refuse before any work what must not be written over."""
    from emotiond.streamer.results.files import check_free
    from emotiond.streamer.results.writer import Request

    for file in files:
        with contextlib.suppress(OSError, ValueError):
            if any(part.exists() and output.samefile(part) for part in _parts_of(file)):
                problem = f"{output} is what the report is made of"
                raise ReportError(problem, "Name another --output")
    check_free([output], Request("files", 0.0, (), overwrite=overwrite))


def _parts_of(file: Path) -> Iterator[Path]:
    """Yield what may be read besides a file: a session has several, and a table what is kept."""
    yield file
    whole = file.absolute()
    yield whole.with_name(f"{whole.name}.sqlite")
    for ending in names.ALL:
        yield names.beside(whole, ending)


def _check_recordings(output: Path, tracks: Sequence[Track], overwrite: bool) -> None:
    """Refuse to write over a recording that the report is about."""
    from emotiond.streamer.results.files import check_free
    from emotiond.streamer.results.writer import Request

    recordings = [track.sound for track in tracks]
    check_free([output], Request("files", 0.0, recordings, overwrite=overwrite))


def _write(output: Path, text: str, holds_voices: bool) -> None:
    from emotiond.streamer.results.files import in_place, reporting

    with in_place(output, 0o600 if holds_voices else 0o666) as unfinished, reporting(output):
        unfinished.write_text(text, "utf-8", newline="")
