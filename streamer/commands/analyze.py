"""``emotiond analyze``: its flags. What it does is in ``batch``."""

from __future__ import annotations

import argparse

from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.batch.command import analyze_files
from emotiond.streamer.commands.command import Command
from emotiond.streamer.results.kinds import FORMATS, LEVELS


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``analyze``."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE|FOLDER|'PATTERN'|@LIST",
        help="recordings: files, folders and all below them, patterns such as '**/*.wav', lists of "
        "paths (@list.txt) or tables of segments (@table.csv, @table.parquet); '-' is standard "
        "input",
    )
    parser.add_argument("--model", metavar="NAME|PATH", help="model, see 'emotiond models'")
    parser.add_argument("--profile", metavar="NAME", help="voice profile, see 'emotiond enroll'")
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default=next(iter(FORMATS)), help="(default: text)"
    )
    parser.add_argument(
        "--level",
        choices=LEVELS,
        help="what has a row: a file (the default of tables), a span of one label, or a stride",
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="file for the table, or folder for formats with a file for each recording "
        "(default: standard output)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are there already"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with an output whose run ended early; what was analyzed is not analyzed again",
    )
    parser.add_argument(
        "--reuse",
        metavar="FILE.sqlite",
        help="the file beside another output: what it holds is not analyzed again, for another "
        "format for instance",
    )
    parser.add_argument(
        "--channels",
        choices=("mixed", "separate"),
        default="mixed",
        help="mix the channels, or judge each by itself, as one speaker (default: mixed)",
    )
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="recordings at a time, a process for each (default: one for each core)",
    )
    parser.add_argument(
        "--dask",
        metavar="tls://HOST:PORT",
        help="let the workers of a Dask cluster analyze; they read the same paths",
    )
    parser.add_argument(
        "--ship",
        action="store_true",
        help="send the recordings to the cluster, whose workers see the voices",
    )
    parser.add_argument("--dask-ca", metavar="FILE", help="certificate of the cluster's authority")
    parser.add_argument("--dask-cert", metavar="FILE", help="certificate for the cluster")
    parser.add_argument("--dask-key", metavar="FILE", help="its key")
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="let paths and results go to a cluster on other machines without encryption",
    )


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


ANALYZE = Command(
    "analyze",
    "analyze whole recordings",
    add_flags,
    analyze_files,
    (
        "emotiond analyze interview.mp4 --profile anna",
        "emotiond analyze recordings --format csv --level segments --output emotions.csv",
        "emotiond analyze recordings --format textgrid --output labels --reuse emotions.csv.sqlite",
    ),
)
