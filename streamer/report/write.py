"""Writes the page: the modules, the style, and what it shows, all in one file."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from emotiond import __version__
from emotiond.exceptions import printable
from emotiond.streamer.report.bundle import join_modules

_PAGE = "streamer/report/page"
_STYLES = "clients/web/stylesheets"
_SHEETS = (
    *(f"{_STYLES}/{name}.css" for name in ("colours", "layout", "panels", "sound-input")),
    f"{_PAGE}/report.css",
)
_PLACE = re.compile(r"@(\w+)@")
_POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
    "media-src blob:; base-uri 'none'; form-action 'none'"
)


def page(
    about: Mapping[str, Any],
    events: bytes,
    sounds: Mapping[int, bytes],
    sound_of: Sequence[int],
    title: str,
) -> str:
    """Return the report as HTML.

    Nothing in it runs but its own script, which the policy names by its digest. Names are text in a
    block of JSON without ``<``, and the script only ever makes text of them.

    Args:
        about: what ``pack`` says of columns and tracks.
        events: packed.
        sounds: MP3, by the index of a track.
        sound_of: for each track the index of its sound.
        title: of the browser's window.
    """
    script = join_modules(f"{_PAGE}/report.js", _text_of)
    style = "\n".join(map(_text_of, _SHEETS))
    tracks = [
        {**track, "sound": sound if sound in sounds else None}
        for track, sound in zip(about["tracks"], sound_of, strict=True)
    ]
    whole = {**about, "tracks": tracks, "version": __version__, "made": round(time.time())}
    parts = {
        "title": html.escape(title.encode("utf-8", "replace").decode()),
        "policy": _POLICY.format(script=_digest(script), style=_digest(style)),
        "style": style,
        "script": script,
        "about": as_data(whole),
        "events": base64.b64encode(events).decode(),
        "sounds": "\n  ".join(
            f'<script type="text/plain" id="report-sound-{index}">'
            f"{base64.b64encode(sound).decode()}</script>"
            for index, sound in sounds.items()
        ),
    }
    return _PLACE.sub(lambda found: parts[found[1]], _text_of(f"{_PAGE}/report.html"))


def as_data(value: object) -> str:
    """Return JSON that a block of data in HTML can hold: nothing in it ends the block."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))  # ASCII alone
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _text_of(path: str) -> str:
    return resources.files("emotiond").joinpath(path).read_text("utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def title_of(names: Sequence[str]) -> str:
    """Return a title for the window: the name of the one recording, or their number.

    Control characters, of which HTML forbids some, are escaped.
    """
    named = printable(names[0]) if len(names) == 1 else f"{len(names)} recordings"
    return f"{named} · emotiond report"
