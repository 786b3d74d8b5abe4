"""The content of ``/healthz``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emotiond import __version__
from emotiond.streamer.hub import Hub
from emotiond.streamer.outputs.recorder import Recorder
from emotiond.streamer.outputs.stdout import LineWriter
from emotiond.streamer.outputs.zeromq import ZeroMQPublisher
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.server.websocket import WebSocketServer
from emotiond.streamer.streams.stream import Stream
from emotiond.streamer.streams.workers import Worker
from emotiond.streamer.uploads.uploads import Uploads


def health(
    model: str,
    uptime_seconds: float,
    microphone: str,
    workers: Sequence[Worker],
    streams: Sequence[Stream],
    uploads: Uploads,
    recorders: Sequence[Recorder],
    hub: Hub,
    server: WebSocketServer,
    zeromq: ZeroMQPublisher | None,
    lines: LineWriter | None,
) -> dict[str, Any]:
    """Return the full content, for clients with the token. A failed part means ``degraded``."""
    failures = [stream.failure for stream in streams]
    failures += [recorder.failure for recorder in recorders]
    well = all(worker.is_alive for worker in workers) and not any(failures)
    return {
        "status": "ok" if well else "degraded",
        "version": __version__,
        "model": model,
        "uptime_seconds": round(uptime_seconds, 1),
        "microphone": microphone,
        "clients": server.client_count,
        "connections": {
            "open": server.occupancy.count,
            "limit": server.occupancy.limit,
            "refused": server.occupancy.refused,
        },
        "sent_away": dict(server.offences),
        "client_streams": {"open": uploads.count, "limit": uploads.limit},
        "streams": {stream.name: _stream_health(stream, hub) for stream in streams},
        "recordings": {recorder.stream: recorder.about() for recorder in recorders},
        "dropped": {
            "messages": hub.dropped_messages,
            "websocket_clients": server.dropped_clients,
            "zeromq_overruns": zeromq.overruns if zeromq else 0,
            "recorded_events": sum(recorder.dropped_messages for recorder in recorders),
            "stdout_lines": lines.dropped_messages if lines else 0,
        },
    }


def _stream_health(stream: Stream, hub: Hub) -> dict[str, Any]:
    return {
        "status": stream.status,
        "demo": stream.source.about.demo,
        "device": stream.source.about.device,
        "stride_seconds": stream.stride_seconds,
        "lag_seconds": round(stream.chunker.lag_seconds, 4),
        "age_seconds": _age_seconds(stream.name, hub),
        "dropped_samples": stream.chunker.dropped_samples,
    }


def _age_seconds(stream: str, hub: Hub) -> float | None:
    last = hub.last_emotion.get(stream)
    event = None if last is None else last.event
    if not isinstance(event, Emotion) or event.age_ms is None:
        return None
    return round(event.age_ms, 4) / 1000
