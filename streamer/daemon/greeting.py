"""The first message to every client: ``hello``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emotiond import __version__
from emotiond.inference.model import Model
from emotiond.streamer.outputs.output import About
from emotiond.streamer.protocol.events import PROTOCOL, Event, to_json
from emotiond.streamer.server.http import REPORT
from emotiond.streamer.streams.replay import OwnStream
from emotiond.streamer.uploads.uploads import Uploads


def hello(
    name: str,
    instance: str,
    model: Model,
    stride_seconds: float,
    streams: Sequence[OwnStream],
    uploads: Uploads,
    outputs: Sequence[About],
    last: Event | None,
) -> dict[str, Any]:
    """Return the message. ``last`` is the last ``emotion`` event of the first stream.

    Args:
        name: what the daemon is called.
        instance: what tells this run of it from all others.
        model: the one that it runs.
        stride_seconds: from one ``emotion`` to the next.
        streams: those of its own sources.
        uploads: those of clients.
        outputs: what the outputs report about themselves.
        last: see above.
    """
    card = model.card
    return {
        "type": "hello",
        "protocol": PROTOCOL,
        "version": __version__,
        "name": name,
        "instance": instance,
        "model": {
            "name": card.name,
            "labels": list(card.labels),
            "window_seconds": round(card.window_seconds, 4),
            "report": None if model.report is None else REPORT.removeprefix("/"),
        },
        "stride_seconds": stride_seconds,
        "streams": [*(stream.name for stream in streams), *uploads.published],
        "client_streams": uploads.about(),
        **{key: value for about in outputs for key, value in about.hello.items()},
        "demo": any(stream.source.about.demo for stream in streams),
        "last": None if last is None else to_json(last),
    }
