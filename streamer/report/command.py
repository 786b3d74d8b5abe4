"""``emotiond report``: makes the page of results and sessions."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emotiond.exceptions import ReportError, printable


def report(options: dict[str, Any]) -> int:
    """``emotiond report``: write one HTML file that shows what the given files hold."""
    from emotiond.streamer.report.pack import pack
    from emotiond.streamer.report.read import describe, read
    from emotiond.streamer.report.sound import encode, firsts_of
    from emotiond.streamer.report.track import Track, named_apart
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
            "Name results of: emotiond analyze --format json, of recordings that hold sound",
        )
    named_apart(tracks)
    about, events = pack(tracks)
    sounds = encode(tracks, about["tracks"]) if options["sound"] else {}
    text = page(
        about, events, sounds, firsts_of(tracks), title_of(sorted({track.name for track in tracks}))
    )
    _write(output, text)
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
    another = "or name another --output"
    if output.is_dir():
        raise ReportError(f"{output} is a folder", "Name a file in it with --output")
    for file in files:
        with contextlib.suppress(OSError):
            if output.exists() and output.samefile(file):
                raise ReportError(
                    f"{output} is what the report is made of", "Name another --output"
                )
    if os.path.lexists(output) and not overwrite:
        raise ReportError(f"{output} is there already", f"Add --overwrite to replace it, {another}")


def _write(output: Path, text: str) -> None:
    """Write the file beside its place, and put it there when it is whole."""
    unfinished = output.with_name(f".emotiond-{secrets.token_hex(6)}.part")
    try:
        try:
            with unfinished.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(output)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise ReportError(
            f"cannot write {output} ({problem})",
            "Free some space there, or name another place with --output",
        ) from None
