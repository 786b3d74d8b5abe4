"""One JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from emotiond.streamer.results.columns import SPANS
from emotiond.streamer.results.files import open_lines
from emotiond.streamer.results.writer import Level, Request, Result, Write


@contextmanager
def json_writer(request: Request) -> Iterator[Write]:
    """Write an object for each item, segment or stride."""
    with open_lines(request) as lines:

        def write(result: Result) -> None:
            for each in _objects(result, request.level):
                lines.write(json.dumps(each, ensure_ascii=False, allow_nan=False) + "\n")
            lines.flush()

        yield write


def _objects(result: Result, level: Level) -> Iterator[Mapping[str, Any]]:
    if level == "files":
        yield {**result, "events": list(result["events"])}
        return
    channel = {"channel": result["channel"]} if "channel" in result else {}
    for span in SPANS[level](result):
        yield {"file": result["file"], **channel, **vars(span)}
