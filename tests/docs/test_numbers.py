"""Every number that security.md and reliability.md promise is that of the code.

A phrase is made of the code's own constants, and has to stand in the page. A number with a unit
that stands in no phrase fails the last test: a new one needs a phrase that says where it is from.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from emotiond.clients import websocket_client
from emotiond.dsp import mono
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer import announcement, bounded_answer, hub, sparing_log
from emotiond.streamer.audio.wav import _MOST_BYTES
from emotiond.streamer.batch import cluster, jobs, parcels, store
from emotiond.streamer.daemon.mute import UNMUTE_PAUSE_SECONDS
from emotiond.streamer.outputs import (
    command,
    courier,
    lsl_channels,
    mqtt_client,
    mqtt_link,
    mqtt_outbox,
    mqtt_publisher,
    osc_sender,
    recorder_thread,
    stdout,
    web_client,
    zeromq_guard,
    zeromq_publisher,
    zeromq_socket,
    zeromq_thread,
)
from emotiond.streamer.outputs.on_change import OnChangeSettings
from emotiond.streamer.readers import decoder, decoder_process, stream_process
from emotiond.streamer.recordings import database, database_reader, json_lines, plan, session
from emotiond.streamer.rooms import link, rooms
from emotiond.streamer.server import connection, credentials, listener, pairing, refusals
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.settings.config import _FASTEST, _SLOWEST, Config
from emotiond.streamer.sources import (
    capture,
    microphone,
    network_socket,
    reconnecting,
    standard_input,
    wyoming_door,
)
from emotiond.streamer.streams import overload, stream, workers
from emotiond.streamer.streams.stream import RING_SECONDS
from emotiond.streamer.uploads import postgresql_archive

ROOT = Path(__file__).parents[2]
WEB = ROOT / "clients" / "web" / "daemon"
LIMITS = Limits()


def in_script(name: str, file: str) -> float:
    """The value of a constant of the page, from milliseconds."""
    found = re.search(rf"^const {name} = (\d+);", (WEB / file).read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1000


def looks() -> str:
    """Seconds after which a lost microphone is looked for."""
    pauses = [*itertools.islice(reconnecting.growing_pauses(), 8)]
    assert len({*pauses[5:]}) == 1
    return f"after {', '.join(f'{p:g}' for p in pauses[:5])} and then every {pauses[5]:g} seconds"


def tries() -> str:
    """When a web hook is tried again."""
    *first, last = courier.PAUSES_SECONDS
    assert len(courier.PAUSES_SECONDS) == courier.MOST_TRIES - 1
    return f"after {', '.join(f'{pause:g}' for pause in first)} and {last:g} s"


COMMAND_SECONDS = OnChangeSettings.on_change_seconds
OVERLOAD_LAGS = overload.MOST_LAG_SECONDS
PROMISED: Mapping[str, Sequence[str]] = {
    "security.md": [
        f"events of public streams for {Config().keep_hours:g} hours (`--keep-hours`)",
        f"with the flag that allows it, {refusals._MOST_LOGGED} at most",
        "the log gets one line a minute" * (sparing_log.PAUSE_SECONDS == 60),
        f"valid once and for {pairing.LIFE_SECONDS / 60:g} minutes, by",
        f"one line of at least {credentials.FEWEST_CHARACTERS} characters",
        f"does not arrive within {LIMITS.token_seconds:g} s",
        f"in blocks of {listener._READ_BYTES // 1024} KiB, two messages wait",
        f"adds {RING_SECONDS:g} s of samples ({RING_SECONDS * 48_000 * 4 / 1e6:.0f} MB at 48 kHz, "
        f"{RING_SECONDS * 192_000 * 4 / 1e6:.0f} MB at 192 kHz)",
        f"for {LIMITS.file_seconds / 60:g} minutes). The end of the connection",
        f"within {zeromq_publisher.LOOK_SECONDS:g} s the daemon closes",
        f"at the path every {zeromq_publisher.LOOK_SECONDS:g} s",
        f"with {decoder_process.MOST_MEMORY_BYTES / 2**30:g} GiB of address space, "
        f"{decoder_process.MOST_SECONDS_A_STEP:g} s for a step",
        f"decoded in the same way, with {stream_process.MOST_MEMORY_BYTES / 2**30:g} GiB",
        f"looks at {zeromq_guard.MOST_AT_A_LOOK} connections every {zeromq_guard._LOOK_MS} ms",
    ],
    "recording.md": [
        f"16-bit mono at {SAMPLE_RATE / 1000:g} kHz.",
        f"after {_MOST_BYTES / 2 / SAMPLE_RATE / 3600:.0f} hours, the most that WAV holds",
        f"`1.5GiB`; {plan.FEWEST_BYTES // 10**6} MB at least.",
        "SQLite commits once a second" * (database.COMMIT_SECONDS == 1),
        f"makes it {_SLOWEST:g} to {_FASTEST:g} times as fast",
        f"longer than {json_lines.MOST_LINE_BYTES // 1024} KiB",
        f"Beyond {session.MOST_DAMAGED:,} damaged lines",
        f"{database_reader.MOST_ROWS} rows at a time and for "
        f"{database_reader.MOST_STEP_SECONDS:g} s at most",
    ],
    "webhook.md": [
        f"for each event, up to {courier._PATIENCE_SECONDS:g} s, unless",
        f"It may run for {COMMAND_SECONDS:g} s (`--on-change-seconds`)",
        f"TERM, and {command.TERM_SECONDS:g} s later KILL",
        f"at least {credentials.FEWEST_CHARACTERS} characters",
        f"no answer within {web_client.LIMIT_SECONDS:g} s,",
        f"{courier.MOST_TRIES} times in all, {tries()}",
        f"heeded up to {courier.LONGEST_PAUSE_SECONDS:g} s.",
        f"at most {web_client._MOST_BYTES // 1024} KiB are read",
        f"a head of {bounded_answer.MOST_HEAD_BYTES // 1024} KiB at most",
    ],
    "reliability.md": [
        f"after a power cut what is younger than {store._SECONDS_TO_DISK:g} s.",
        f"{cluster._MOST_AT_A_TIME}, or `--jobs`, of which up to {cluster._MOST_IN_A_TASK} short "
        f"ones ({parcels.MOST_BYTES // 2**20} MiB together) are one task; "
        f"with `--ship`, {cluster.MOST_SHIPPED_AT_A_TIME_BYTES // 2**20} MiB",
        f"one before them | {jobs._MOST_AHEAD:,}, and {jobs._MOST_BYTES_AHEAD / 2**20:g} MiB of "
        "their events",
        f"does not connect within {postgresql_archive._CONNECT_SECONDS} s or falls silent for "
        f"{postgresql_archive._CALL_SECONDS:g} s.",
        f"after {COMMAND_SECONDS:g} s (`--on-change-seconds`) its group",
        f"TERM and {command.TERM_SECONDS:g} s later KILL",
        f"{courier.MOST_TRIES} tries, {tries()} "
        f"(`Retry-After` up to {courier.LONGEST_PAUSE_SECONDS:g} s), "
        f"each of {web_client.LIMIT_SECONDS:g} s at most",
        f"of each stream, {courier.MOST_WAITING} at most",
        f"looks for the microphone {looks()}",
        f"If events wait for {zeromq_thread._PATIENCE_SECONDS:g} s, `/healthz` is `degraded`",
        f"events to the thread of a ZeroMQ endpoint | {zeromq_thread.MOST_WAITING:,} messages",
        f"given up after {announcement._NAME_SECONDS:g} s, with one line",
        f"the daemon looks every {zeromq_publisher.LOOK_SECONDS:g} s, and says so",
        f"unmutes it, {UNMUTE_PAUSE_SECONDS:g} s after the last mute",
        f"keep a worker busy for {workers.MOST_AHEAD_SECONDS:g} s on end",
        f"After {stream._MOST_SECONDS_LOST:g} s, `/healthz` is `degraded`",
        f"a check every {reconnecting._CHECK_SECONDS:g} s notices a stall of "
        f"{microphone._STALL_SECONDS:g} s",
        f"waits {capture._PATIENCE_SECONDS:g} s for an answer and {microphone._STALL_SECONDS:g} s "
        "for a block",
        f"gives nothing but zeros for {microphone._MOST_ZERO_SECONDS:g} s",
        f"does not answer within {capture._PATIENCE_SECONDS:g} s |",
        f"after {in_script('QUIET_MS', 'watchdog.js'):g} s without news",
        f"after {in_script('ANSWER_MS', 'watchdog.js'):g} s more it connects anew",
        f"falls silent for {network_socket.SILENT_SECONDS:g} s",
        f"holds live sound of RTSP up for less than {network_socket.SILENT_SECONDS:g} s",
        f"connects again {looks()}",
        f"at once, or after {wyoming_door.STREAMING_SECONDS:g} s without sound",
        f"gives it up within {2 * websocket_client._PING_SECONDS:g} s by pings",
        f"libzmq after {zeromq_socket._VANISHED_MS / 1000:g} s without a sign",
        f"its queue of {zeromq_socket.HIGH_WATER_MARK:,} messages has no room",
        f"from {mono.FRAME_SECONDS * 1000:g} ms after the beginning of the voice",
        f"the mean is {-10 * math.log10(mono.CANCELS_BELOW):g} dB quieter",
        f"or no sound in its first {standard_input._DOUBT_SECONDS:g} s that are not silent",
        f"up to {decoder._MOST_BYTES_SENT / 2**30:g} GiB, of which all but "
        f"{decoder_process.MOST_BYTES_HELD / 2**20:g} MiB",
        f"| more than {OVERLOAD_LAGS[0]:g} s | it infers every second stride"
        * (overload.STRETCHES[1] == 2),
        f"| more than {OVERLOAD_LAGS[1]:g} s | every fourth |" * (overload.STRETCHES[2] == 4),
        f"| more than {OVERLOAD_LAGS[2]:g} s | it drops all but the newest second, each time the "
        f"lag exceeds {OVERLOAD_LAGS[2]:g} s |" * (overload.KEPT_SECONDS == 1),
        f"has been less than {overload._CALM_LAG_SECONDS:g} s for half a second",
        f"never later than {OVERLOAD_LAGS[2]:g} s, plus the longer stride",
        f"Sound that is not at {SAMPLE_RATE / 1000:g} kHz is resampled",
        f"| a source's ring | {RING_SECONDS:g} s, or eight strides |"
        * (2 * max(overload.STRETCHES) == 8),
        f"| workers to event loop | {hub._MOST_WAITING:,} messages |",
        f"| a WebSocket client | {LIMITS.unread_bytes // 1024} KiB, or {LIMITS.unread_seconds:g} s "
        "with something always unread, and 1 s more for each "
        f"{LIMITS.unread_bytes_per_second / 1024:g} KiB of it |",
        f"tries after {rooms.FIRST_PAUSE_SECONDS:g} to {rooms.LONGEST_PAUSE_SECONDS:g} s",
        f"once a connection has lasted {rooms.STEADY_SECONDS:g} s",
        f"half open is given up within {2 * link.PING_SECONDS:g} s",
        f"| a followed daemon | {link.MOST_WAITING} messages;",
        f"a page | {LIMITS.unasked_bytes // 1024} KiB not known to be read",
        f"| a ZeroMQ subscriber | {zeromq_socket.HIGH_WATER_MARK:,} messages |",
        f"| OSC | {osc_sender.MOST_WAITING} datagrams |",
        f"| LSL | {lsl_channels.MOST_WAITING:,} samples |",
        f"| an LSL inlet | {lsl_channels.MOST_BUFFERED_HUNDREDS * 100:,} samples |",
        f"| standard output | {stdout._MOST_WAITING:,} lines |",
        f"| the kept past of a stream | {Config().keep_hours:g} hours (`--keep-hours`)",
        f"recording's database for more than {database.LOCK_SECONDS:g} s",
        f"Beyond {session.MOST_DAMAGED:,} damaged lines its stream ends",
        f"| a recording's events | {recorder_thread.MOST_WAITING:,} lines |",
        f"| an MQTT broker | {mqtt_outbox.MOST_WAITING:,} messages of the last "
        f"{mqtt_outbox.MOST_WAITING_SECONDS:g} s |",
        f"that has waited for {mqtt_outbox.MOST_WAITING_SECONDS:g} s is dropped and counted",
        f"than it reads in {mqtt_outbox.MOST_ON_WAY_SECONDS:g} s",
        "events are some "
        f"{mqtt_outbox.MOST_WAITING_SECONDS + mqtt_outbox.MOST_ON_WAY_SECONDS:g} s old at most",
        f"on its way for {mqtt_link.MOST_UNREAD_SECONDS:g} s, the broker is given up",
        f"tries again, at least every {mqtt_client.LONGEST_PAUSE_SECONDS} s",
        f"grow from {mqtt_client.FIRST_PAUSE_SECONDS} to {mqtt_client.LONGEST_PAUSE_SECONDS} s",
        f"after a connection of {mqtt_client.STEADY_SECONDS:g} s, they begin anew",
        f"given up {2 * mqtt_link.KEEPALIVE_SECONDS} s after its last sign",
        "for a WebSocket client, a ZeroMQ subscriber and an MQTT broker "
        f"{connection.PATIENCE_SECONDS:g} s at most"
        * (
            connection.PATIENCE_SECONDS
            == zeromq_publisher._PATIENCE_SECONDS
            == mqtt_publisher.PATIENCE_SECONDS
        ),
        f"writes 16-bit mono at {SAMPLE_RATE / 1000:g} kHz",
        f"after {_MOST_BYTES / 2 / SAMPLE_RATE / 3600:.0f} hours, the most that WAV holds",
    ],
}
# What no constant holds: the tests that the pages name measure it.
MEASURED: Mapping[str, Sequence[str]] = {
    "recording.md": [],
    "webhook.md": [],
    "security.md": [
        "No client takes more than 1 MB of memory",
        "compressed events (about 1 MB",
        "The bound of 1 MB per client",
    ],
    "reliability.md": [
        "once the scheduler gives it up (5 minutes, Dask's `worker-ttl`)",  # its default
        "it notices within 2.5 s",  # looks every 2 s, and what an answer takes
        "It notices the move within 2.5 s",
        "it costs less than 1 MB and is dropped",
        "from 0.26 s on",
        "microphones of 8, 16, 44.1 and 48 kHz",
        "later by up to 115 ms",
        "at most 2 MB an hour",
        "Until Python itself has started, some 20 ms,",
    ],
}
UNITS = "s|ms|[KMG]i?B|hours?|minutes?|seconds?|messages|lines|characters|dB|bytes|kHz|at most"
NUMBER = re.compile(rf"(?<![\w.,`-])\d[\d,.]*\s(?:{UNITS})\b")


def text_of(page: str) -> str:
    """The page on one line, without the table that test_security.py checks."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    if page == "security.md":
        text = re.sub(r"(?<=## Limits\n).*?(?=\n\n[A-Z])", "", text, flags=re.DOTALL)
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("page", "phrase"), [(page, phrase) for page in PROMISED for phrase in PROMISED[page]]
)
def test_a_number_is_that_of_the_code(page: str, phrase: str) -> None:
    assert phrase, "the words of this phrase do not fit the code any more"
    assert phrase in text_of(page)


@pytest.mark.parametrize("page", PROMISED)
def test_every_number_is_checked(page: str) -> None:
    text = text_of(page)
    spans = [
        (found.start(), found.end())
        for phrase in (*PROMISED[page], *MEASURED[page])
        for found in re.finditer(re.escape(phrase), text)
    ]
    unchecked = [
        text[max(0, number.start() - 50) : number.end() + 20]
        for number in NUMBER.finditer(text)
        if not any(start <= number.start() and number.end() <= end for start, end in spans)
    ]
    assert unchecked == [], "where do these come from? Add a phrase above"
