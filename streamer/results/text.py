"""A sentence for each item, for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from emotiond.exceptions import printable
from emotiond.streamer.results.writer import Result, Write
from emotiond.streamer.streams.summary import is_mixed


@contextmanager
def text_writer(shortest_seconds: float) -> Iterator[Write]:
    """Print a line for each item."""

    def write(result: Result) -> None:
        duration = result["duration"]
        said = "too short" if duration < shortest_seconds else "no speech"
        if is_mixed(duration, result["shares"]):
            parts = [f"{label} {share:.0%}" for label, share in result["shares"].items()]
            said = f"mixed ({', '.join(parts[:3])} of the time)"
        elif result["label"] is not None:
            best = sorted(result["scores"].items(), key=lambda item: -item[1])[:3]
            rest = ", ".join(f"{label} {score:.0%}" for label, score in best[1:])
            said = f"{result['label']} {result['confidence']:.0%} ({rest})"
        print(f"{printable(result['file'])}: {said}, {duration:.1f} s", flush=True)

    yield write
