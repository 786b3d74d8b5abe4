"""What every output fulfils, and how the table describes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from emotiond.streamer.options import Part, S
from emotiond.streamer.reach import Reach

if TYPE_CHECKING:  # the command line reads the table, and shall start quickly
    from emotiond.streamer.hub import Message
    from emotiond.streamer.server.connection import Connection
    from emotiond.streamer.server.limits import Limits
    from emotiond.streamer.server.prometheus import Metric
    from emotiond.streamer.streams.replay import OwnStream

_LOOK_SECONDS = 0.005


@dataclass(frozen=True)
class About:
    """What an output reports about itself."""

    page: str | None = None
    """Address of its web page, for the announcement of the daemon."""
    address: str | None = None
    """What it is and where it is found, for the announcement."""
    open_to: str | None = None
    """Who can listen there, for the announcement, such as ``every user of this machine``."""
    remarks: Sequence[str] = ()
    """Further lines for the announcement."""
    health: Mapping[str, Any] = field(default_factory=dict)
    """Its part of ``/healthz``."""
    metrics: Sequence[Metric] = ()
    """Its part of ``/metrics``, besides what it has dropped."""
    hello: Mapping[str, Any] = field(default_factory=dict)
    """Its part of ``hello``."""
    disconnected: str | None = None
    """Why events no longer reach a reader that has left. ``/healthz`` is then ``degraded``, but the
    exit status stays 0, since the output itself has not failed."""


class Output(Protocol):
    """An open output. Only the event loop calls it.

    To the hub it is a :class:`Receiver`.
    """

    @property
    def failure(self) -> str | None:
        """Why the output stopped early; None otherwise."""

    @property
    def dropped(self) -> int:
        """Number of messages, or clients, that its full queue has dropped."""

    def send(self, message: Message) -> None:
        """Send a message without waiting. It is dropped and counted if there is no room."""

    async def drained(self, wholly: bool = False) -> None:
        """Wait for room or, if ``wholly``, until nothing is left; for a limited time."""

    def about(self) -> About:
        """Return what the output reports about itself now."""

    async def ready(self) -> None:
        """Serve, and wait until the output is ready for the first event. All outputs are open."""

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest, if that is possible in time, and close."""


class Microphone(Protocol):
    """The microphone of the daemon, as far as an output may know and command it."""

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while the device is open, else ``muted`` or ``off``; ``off`` without a device."""

    @property
    def can_be_muted(self) -> bool:
        """Whether there is one."""

    def command(self, muted: bool) -> bool:
        """Mute, or lift a mute that such a command has set.

        Returns:
            Whether it is done: what was muted on the page or the machine stays so.
        """


@dataclass(frozen=True)
class Surroundings:
    """What the daemon provides to its outputs."""

    name: str
    """What the daemon is called. It has no ``/``, ``+`` or ``#``: it can be a level of a topic."""
    streams: Sequence[OwnStream]
    lossless: bool
    """Whether the streams wait for the outputs."""
    last_messages: Callable[[], Sequence[Message]]
    """Returns the last messages of all streams, for a new listener."""
    greeting: Callable[[], Sequence[str]]
    """Returns ``hello`` and the last events."""
    health: Callable[[], Mapping[str, Any]]
    """Returns the content of ``/healthz``."""
    metrics: Callable[[], Sequence[Metric]]
    """Returns the content of ``/metrics``."""
    limits: Limits
    """The limits of clients."""
    handlers: Mapping[type, Callable[[Connection, Any], Awaitable[None]]]
    """The handler of each class of request."""
    on_leave: Callable[[Connection], None]
    """Called with every connection that has ended, perhaps more than once."""
    insecure: bool
    """Whether other machines may be reached without protection, for an output without a host."""
    microphone: Microphone
    """The one that can be muted."""
    model_report: bytes | None
    """A page in HTML about the model, if it has one."""


Opener = Callable[[Surroundings], Awaitable[Output]]
"""Opens an output. It may raise :class:`EmotiondError`."""


async def wait_while(condition: Callable[[], bool]) -> None:
    """Poll a condition that has no event, until it no longer holds."""
    import asyncio

    while condition():
        await asyncio.sleep(_LOOK_SECONDS)


async def call_in_thread(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function that blocks, and wait for it without blocking the event loop."""
    import asyncio

    await asyncio.to_thread(function, *arguments)


def uses_no_network(_settings: object) -> None:
    """Return None: the output uses no network."""


@dataclass(frozen=True, eq=False)
class OutputKind(Part[S]):
    """The description of an output, one line of the table."""

    reach: Callable[[S], Reach | None]
    """Returns where the output reaches; None if it uses no network. It raises
    :class:`ConfigError` if settings contradict each other."""
    prepare: Callable[[S], Opener | None]
    """Reads keys and the like, before anything is opened; returns None if the output is off."""
    queue: str
    """The name of its drop counter in ``/healthz`` and ``/metrics``."""
    close_seconds: float = 0.3
    """Time for closing."""
    absent: About = About()
    """What ``about`` would return while the output is not open."""
    carries_stand_in: bool = False
    """Whether it carries the demo that plays for want of a microphone: only the page does. The
    daemon waits for a microphone where another output was asked for."""
    closed: Mapping[str, Any] = field(default_factory=dict)
    """Settings, by name, that close what is open by default. They take the place of defaults where
    clients need a token, and :attr:`Reach.local_danger` says that it would go for nothing."""
    client_variables: Sequence[str] = ()
    """Variables with the daemon's prefix that only clients of the output read."""
