"""A sentence for each item, segment or stride, for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from emotiond.exceptions import printable
from emotiond.streamer.results.columns import SPANS
from emotiond.streamer.results.files import open_lines
from emotiond.streamer.results.rows import Span
from emotiond.streamer.results.writer import Request, Result, Write
from emotiond.streamer.streams.summary import is_mixed


@contextmanager
def text_writer(request: Request) -> Iterator[Write]:
    """Write lines that a terminal shows and does not obey."""
    with open_lines(request) as lines:

        def write(result: Result) -> None:
            name = printable(result["file"])
            if "channel" in result:
                name += f" (channel {result['channel']})"
            if request.level == "files":
                lines.write(f"{name}: {_said(result, request.shortest_seconds)}\n")
            else:
                for span in SPANS[request.level](result):
                    lines.write(f"{name}: {_span(span)}\n")
            lines.flush()

        yield write


def _said(result: Result, shortest_seconds: float) -> str:
    duration = result["duration"]
    said = "too short" if duration < shortest_seconds else "no speech"
    if is_mixed(duration, result["shares"]):
        parts = [f"{label} {share:.0%}" for label, share in result["shares"].items()]
        said = f"mixed ({', '.join(parts[:3])} of the time)"
    elif result["label"] is not None:
        best = sorted(result["scores"].items(), key=lambda item: -item[1])[:3]
        rest = ", ".join(f"{label} {score:.0%}" for label, score in best[1:])
        said = f"{result['label']} {result['confidence']:.0%} ({rest})"
    return f"{said}, {duration:.1f} s"


def _span(span: Span) -> str:
    said = span.state if span.label is None else f"{span.label} {span.confidence:.0%}"
    return f"{span.start:.2f} to {span.end:.2f} s: {said}"
