"""One JSON object for each item, in a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from emotiond.streamer.results.writer import Result, Write


@contextmanager
def json_writer(_shortest_seconds: float) -> Iterator[Write]:
    """Print an object for each item."""

    def write(result: Result) -> None:
        whole = {**result, "events": list(result["events"])}
        print(json.dumps(whole, ensure_ascii=False, allow_nan=False), flush=True)

    yield write
