"""The content of ``/healthz``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emotiond import __version__
from emotiond.streamer.hub import Hub
from emotiond.streamer.outputs.output import About, Output, OutputKind
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.streams.replay import OwnStream, Replay
from emotiond.streamer.streams.workers import Worker
from emotiond.streamer.uploads.uploads import Uploads

_STAND_IN = "there is no microphone: the bundled demo recording plays on the page instead"


def health(
    name: str,
    model: str,
    uptime_seconds: float,
    microphone: str,
    workers: Sequence[Worker],
    streams: Sequence[OwnStream],
    uploads: Uploads,
    hub: Hub,
    rooms: Mapping[str, Any],
    outputs: Mapping[OutputKind[Any], Output | None],
    abouts: Sequence[About],
    failures: Sequence[str],
) -> dict[str, Any]:
    """Return the full content, for clients with the token.

    Any failure means ``degraded``, and so does a stream in trouble.

    Args:
        name: what the daemon is called.
        model: the model's name.
        uptime_seconds: time since the daemon started.
        microphone: ``on``, ``off`` or ``muted``.
        workers: all workers.
        streams: the streams of the daemon's own sources.
        uploads: the streams of clients.
        hub: has the drop counters and the last events.
        rooms: the followed daemons, by name. One that is not reachable is no failure of this one.
        outputs: all outputs of the table; None for one that is not open.
        abouts: the descriptions that the outputs give of themselves.
        failures: why sources and outputs have stopped early.
    """
    failures = [*failures, *(about.disconnected for about in abouts if about.disconnected)]
    failures = [*failures, *(stream.trouble for stream in streams if stream.trouble)]
    failures = [*failures, *(_STAND_IN for s in streams if s.source.about.stands_in_because)]
    if not all(worker.is_alive for worker in workers):
        failures = [*failures, "a worker has ended: some streams get no more inferences"]
    return {
        "status": "degraded" if failures else "ok",
        "failures": failures,
        "version": __version__,
        "name": name,
        "model": model,
        "uptime_seconds": round(uptime_seconds, 1),
        "microphone": microphone,
        "client_streams": {"open": uploads.count, "limit": uploads.limit},
        "streams": {stream.name: _stream_health(stream, hub) for stream in streams},
        "last": _last(streams, hub),
        "rooms": rooms,
        **{key: value for about in abouts for key, value in about.health.items()},
        "dropped": {
            "messages": hub.dropped_messages,
            "room_events": sum(
                room["refused"]["stream"] + room["missed"] for room in rooms.values()
            ),
            **{
                kind.queue: (0 if each is None else each.dropped) + hub.lost_messages[kind.name]
                for kind, each in outputs.items()
            },
        },
    }


def _stream_health(stream: OwnStream, hub: Hub) -> dict[str, Any]:
    return {
        "status": stream.status,
        "demo": stream.source.about.demo,
        "replay": isinstance(stream, Replay),
        "device": stream.source.about.device,
        "stride_seconds": stream.stride_seconds,
        "lag_seconds": round(stream.lag_seconds, 4),
        "age_seconds": _age_seconds(stream.name, hub),
        "dropped_samples": stream.dropped_samples,
    }


def _last(streams: Sequence[OwnStream], hub: Hub) -> dict[str, Any]:
    """Return what the last event of each public stream said; nothing of a demo that stands in."""
    stand_ins = {stream.name for stream in streams if stream.source.about.stands_in_because}
    return {
        name: {
            "state": event.state,
            "label": event.label,
            "confidence": None if event.confidence is None else round(event.confidence, 4),
            "age_seconds": round(hub.age_seconds(name), 3),
            "demo": event.demo,
            "replay": event.replay,
        }
        for name, message in hub.last_emotion.items()
        if isinstance(event := message.event, Emotion) and name not in stand_ins
    }


def _age_seconds(stream: str, hub: Hub) -> float | None:
    last = hub.last_emotion.get(stream)
    event = None if last is None else last.event
    if not isinstance(event, Emotion) or event.age_ms is None:
        return None
    return round(event.age_ms, 4) / 1000
