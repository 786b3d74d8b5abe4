"""``emotiond report``: its flags. What it does is in ``report``."""

from __future__ import annotations

from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.commands.command import Command
from emotiond.streamer.report.command import report


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``report``."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="what 'emotiond analyze' wrote: JSON, or any output with its OUTPUT.sqlite beside it; "
        "or FILE.wav, FILE.jsonl or FILE.sqlite of a recording",
    )
    parser.add_argument("--output", required=True, metavar="FILE.html", help="the page to write")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a page that is there already"
    )
    parser.add_argument(
        "--sound",
        action="store_true",
        help="put the sound into the page: 14 MB for each hour, and the voices with it",
    )


REPORT = Command(
    "report",
    "make a page of results or recorded sessions, to look at in any browser",
    add_flags,
    report,
    (
        "emotiond report results.jsonl --output report.html",
        "emotiond report segments.csv --output report.html",
        "emotiond report session.jsonl --output session.html --sound",
    ),
)
