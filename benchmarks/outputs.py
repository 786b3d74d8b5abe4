"""Measures what each output costs the event loop for one event."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import time
from collections.abc import AsyncIterator, Callable

from benchmarks.support.harness import Section, interleaved, spread
from emotiond.inference.card import LABELS
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.courier import Courier, Outcome
from emotiond.streamer.outputs.lsl_outlets import open_lsl
from emotiond.streamer.outputs.osc_sender import OscSender
from emotiond.streamer.protocol.events import Change, Emotion, encode, to_json

_SCORES = dict.fromkeys(LABELS, 1 / 8)

Send = Callable[[Message], object]


def measure(quick: bool) -> Section:
    """Give each output the same event, with scores, in turn."""
    spent = asyncio.run(_measure(200 if quick else 5000))
    return Section(
        title="Outputs",
        header=["output", "µs per event"],
        rows=[[name, spread(values, 1)] for name, values in spent.items()],
        note="What `send` takes of the event loop. Beside it, the JSON, made once for all outputs. "
        "LSL pushes in a thread of its own, to one inlet. Command and web hook deliver in theirs.",
    )


async def _measure(repeats: int) -> dict[str, list[float]]:
    async with contextlib.AsyncExitStack() as stack:
        event = _event()
        message = Message.of(event)
        sends: dict[str, Send] = {
            "OSC": await stack.enter_async_context(_osc()),
            "LSL": await stack.enter_async_context(_lsl(message)),
        }
        change = Message.of(Change(0, "voice", 0.0, None, "happy", 0.0))
        courier = await stack.enter_async_context(_courier())
        variants: dict[str, Callable[[], object]] = {"JSON": lambda: encode(to_json(event))}
        for name, send in sends.items():
            variants[name] = functools.partial(send, message)
        variants["command or web hook, a change"] = functools.partial(courier, change)
        measured = await asyncio.to_thread(interleaved, variants, repeats)
        return {name: [*values] for name, values in measured.items()}


@contextlib.asynccontextmanager
async def _courier() -> AsyncIterator[Send]:
    output = Courier("webhook", "it", "here", lambda _: Outcome(), lambda _: None)
    yield output.send
    await output.close(1.0)


@contextlib.asynccontextmanager
async def _osc() -> AsyncIterator[Send]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.setblocking(False)
        sender.connect(receiver.getsockname())
        output = OscSender("here", sender)
        yield output.send
        await output.close(1.0)


@contextlib.asynccontextmanager
async def _lsl(first: Message) -> AsyncIterator[Send]:
    import pylsl

    output = await open_lsl("benchmark", is_open=False)
    output.send(first)
    found = await asyncio.to_thread(pylsl.resolve_byprop, "type", "Emotion", 1, 10.0)
    inlet = pylsl.StreamInlet(found[0])
    await asyncio.to_thread(inlet.open_stream, 10.0)
    yield output.send
    inlet.close_stream()
    await output.close(1.0)


def _event() -> Emotion:
    return Emotion(
        seq=1, stream="mic", start=0.0, end=2.0, time=time.time(), state="speech", label="happy",
        confidence=0.9, scores=_SCORES, raw=_SCORES, speech_ratio=1.0, level_dbfs=-20.0,
        age_ms=10.0, dropped_samples=0,
    )  # fmt: skip
