"""The limits in docs/security.md, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emotiond.streamer.batch import (
    cluster,
    cluster_connection,
    entries,
    kept_events,
    lists,
    parquet_rows,
    store_file,
)
from emotiond.streamer.daemon.mute import UNMUTE_PAUSE_SECONDS
from emotiond.streamer.outputs import (
    courier,
    lsl_channels,
    mqtt_client,
    mqtt_commands,
    mqtt_link,
    mqtt_publisher,
    osc_messages,
    web_client,
    zeromq_gate,
    zeromq_guard,
    zeromq_socket,
    zeromq_subscriptions,
)
from emotiond.streamer.outputs.clients_share import EVENTS_AT_ONCE, EVENTS_PER_SECOND
from emotiond.streamer.outputs.on_change import OnChangeSettings
from emotiond.streamer.past import past
from emotiond.streamer.protocol.names import LONGEST_STREAM_NAME, LONGEST_UNFOLDED_NAME
from emotiond.streamer.readers.media_reader import MOST_TRACKS
from emotiond.streamer.recordings import catalog, database_reader, json_lines, pieces, session
from emotiond.streamer.report import lines, read
from emotiond.streamer.rooms import link
from emotiond.streamer.rooms.addresses import MOST_ROOMS
from emotiond.streamer.rooms.received import MOST_STREAMS
from emotiond.streamer.rooms.rooms import MOST_SENSELESS
from emotiond.streamer.server import devices, limits, pairing
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.occupancy import ADDRESS_SHARE, STRANGERS_SHARE
from emotiond.streamer.sessions import sessions
from emotiond.streamer.settings.config import Config
from emotiond.streamer.streams import replay
from emotiond.streamer.streams.stream import RING_SECONDS
from emotiond.streamer.uploads import history
from emotiond.streamer.uploads.archive import MOST_FILES
from emotiond.streamer.uploads.uploads import (
    PUBLISHED_EVENTS_PER_SECOND,
    START_PAUSE_SECONDS,
    STREAMS_SHARE,
)

ROOT = Path(__file__).parents[2]
LIMITS = Limits()
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
TABLE = PAGE.partition("## Limits")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", TABLE, re.MULTILINE))
EXPECTED = {
    "all connections": f"{LIMITS.connections} ",
    "connections that have not shown the token, where one is wanted": "half of all"
    * (STRANGERS_SHARE == 2),
    "connections of one address, without the token": "a quarter of all" * (ADDRESS_SHARE == 4),
    "TLS handshake": f"{LIMITS.handshake_seconds:.0f} s",
    "request, and the answer to it": f"{LIMITS.handshake_seconds:.0f} s",
    "line and headers of a request": f"{LIMITS.head_bytes // 1024} KiB",
    "token": f"{LIMITS.token_seconds:.0f} s after the handshake",
    "message": f"{LIMITS.message_bytes // 1024} KiB, {LIMITS.fragments} fragments",
    "frames of a client, including pings": f"{LIMITS.frames_per_second:.0f} a second, "
    f"{LIMITS.frames_at_once} at once; the chunks (binary messages) of a file bypass this limit "
    f"from {LIMITS.uncounted_bytes // 1024} KiB on",
    "streams of all clients together": f"{LIMITS.uploads} ",
    "streams of one address, without the token": "half of these" * (STREAMS_SHARE == 2),
    "starts of streams": f"{1 / START_PAUSE_SECONDS:.0f} a second",
    "`emotion` events of a published stream": f"{PUBLISHED_EVENTS_PER_SECOND:.0f} a second",
    "published by other clients, not known to be read": f"{LIMITS.unasked_bytes // 1024} KiB",
    "list of the [history](protocol.md#history), and removals from it": "20 a second"
    * (history.PAUSE_SECONDS == 1 / 20),
    "pieces of a recalled file": f"{1 / history.RECALL_PAUSE_SECONDS:.0f} a second",
    "[sessions](protocol.md#sessions) in a list": f"{sessions.MOST_SESSIONS}",
    "list of the sessions, and deletions": f"{1 / sessions.LIST_PAUSE_SECONDS:.0f} a second",
    "pieces of a session": f"{1 / sessions.PAUSE_SECONDS:.0f} a second for all clients together, "
    f"and half of the time of a core; {sessions.PIECE_EVENTS} events, {pieces.MOST_LINES:,} lines, "
    f"{pieces.FURTHEST >> 20} MiB each",
    "files in the folder of a recording that are looked at": f"{catalog.MOST_NAMES:,}",
    "pieces of the [past](protocol.md#past), and erasures": f"{1 / past.PAUSE_SECONDS:.0f} a "
    "second for all",
    "unmuting by a client": f"{UNMUTE_PAUSE_SECONDS:.0f} s after",
    "file that a client sends": f"{LIMITS.file_seconds / 60:.0f} minutes",
    "stream without sound (empty messages are none)": f"{LIMITS.idle_seconds:.0f} s",
    "sound that waits for inference": f"{RING_SECONDS:.0f} s",
    "files in the history": "[protocol.md](protocol.md#history)",
    "name of a published or followed stream; its NFKD form": (
        f"{LONGEST_STREAM_NAME} characters; {LONGEST_UNFOLDED_NAME}"
    ),
    "followed daemons, streams of each": f"{MOST_ROOMS}, {MOST_STREAMS}",
    "frames of a followed daemon, including pings; a longer one counts once for each "
    f"{'KiB' if link.FRAME_BYTES == 1024 else link.FRAME_BYTES}": (
        f"{link.FRAMES_PER_SECOND:g} a second, {link.FRAMES_AT_ONCE} at once"
    ),
    "message of a followed daemon": f"{LIMITS.message_bytes // 1024} KiB",
    "invalid messages of a followed daemon": f"{MOST_SENSELESS}",
    "name, connection and handshake of a followed daemon; its `hello`": f"{link.OPEN_SECONDS:g} s",
    f"answer of a followed daemon to a ping (every {link.PING_SECONDS:g} s)": (
        f"{link.PING_SECONDS:g} s"
    ),
    "line, or row, of a recording that is replayed; damaged ones": (
        f"{json_lines.MOST_LINE_BYTES // 1024} KiB; {session.MOST_DAMAGED:,}"
        * (json_lines.MOST_LINE_BYTES == database_reader.MOST_VALUE_BYTES)
    ),
    "answer of SQLite about a recording": f"{database_reader.MOST_STEP_SECONDS:g} s, "
    f"{database_reader.MOST_ROWS} rows",
    "changes and statuses of a replay between two `emotion` events": f"{replay.MOST_BETWEEN}",
    "kept events": f"{Config().keep_hours:g} hours of each public stream (`--keep-hours`)",
    "invalid messages": f"{LIMITS.senseless_messages}",
    "code for [a phone](phone.md)": f"one at a time, of {pairing.CODE_BYTES * 8} bits; valid once, "
    f"for {pairing.LIFE_SECONDS:.0f} s; {pairing.MOST_WRONG_TRIES} wrong ones",
    "paired devices": f"{devices.MOST_DEVICES}",
    "connections of a paired device": f"{pairing.MOST_CONNECTIONS}, and a quarter of all",
    "data that a client has not read": f"{LIMITS.unread_bytes // 1024} KiB",
    "any data unread, without a pause": f"{LIMITS.unread_seconds:.0f} s, and 1 s more for each "
    f"{LIMITS.unread_bytes_per_second / 1024:g} KiB of it",
    f"answer to a ping (every {LIMITS.ping_seconds:.0f} s)": f"{LIMITS.ping_seconds:.0f} s",
    "what a reader of `/events` sends after its request": f"{LIMITS.message_bytes // 1024} KiB",
    "`--on-change`: a run; events that wait": f"{OnChangeSettings.on_change_seconds:g} s "
    f"(`--on-change-seconds`); {courier.MOST_WAITING}",
    "`--webhook`: a request with its answer; tries; the answer": f"{web_client.LIMIT_SECONDS:g} s; "
    f"{courier.MOST_TRIES}; {web_client._MOST_BYTES // 1024} KiB",
    "closing handshake of a client that was disconnected": f"{LIMITS.close_seconds} s",
    "messages queued for a ZeroMQ subscriber": f"{zeromq_socket.HIGH_WATER_MARK}",
    "of these, events of clients' streams": f"{EVENTS_AT_ONCE} at once, and "
    f"{EVENTS_PER_SECOND:.0f} a second",
    "connections of a ZeroMQ endpoint": f"{limits.MOST_SUBSCRIBERS}, fewer if few files",
    "connections that come to a ZeroMQ endpoint": f"{zeromq_gate.CONNECTIONS_AT_ONCE} at once, and "
    f"{zeromq_gate.CONNECTIONS_PER_SECOND:g} a second",
    "ZeroMQ handshake, topic": f"{zeromq_socket.HANDSHAKE_MS // 1000} s, "
    f"{zeromq_socket.LARGEST_TOPIC_BYTES} bytes",
    "what a ZeroMQ subscriber sends": f"{zeromq_guard.SENT_BYTES // 1024} KiB at once, and "
    f"{zeromq_guard.SENT_BYTES_PER_SECOND // 1024} KiB a second",
    "samples queued for an LSL inlet": f"{lsl_channels.MOST_BUFFERED_HUNDREDS * 100:,}",
    "a datagram of OSC": f"{osc_messages.MOST_BYTES:,} bytes",
    "commands by MQTT": f"{mqtt_commands.COMMANDS_AT_ONCE} at once, and "
    f"{mqtt_commands.COMMANDS_PER_SECOND:g} a second",
    "messages from an MQTT broker": f"{mqtt_link.MOST_RECEIVED_PER_SECOND} a second; "
    f"{mqtt_link._MOST_READ_BYTES} bytes of each",
    "subscriptions of all ZeroMQ subscribers together": "2,000; "
    f"{zeromq_subscriptions.MOST_TOPIC_BYTES // 1024} KiB of topics",
    "packet from an MQTT broker; topic in it": f"{mqtt_client.MOST_PACKET_BYTES // 1024} KiB; "
    f"{mqtt_link._LONGEST_TOPIC_CHARACTERS:,} characters",
    "what an MQTT broker may send": "its answers, and messages of QoS 0",
    "messages that an MQTT broker has not read": f"{mqtt_link.MOST_TOLD:,}",
    "discovery messages of former streams that are removed": f"{mqtt_publisher.MOST_FORMER} at",
    "server of a network stream": "[network-sources.md](network-sources.md#limits)",
    "tracks of a film": f"{MOST_TRACKS} (",
    "kept results: of one recording; events that are unpacked; an answer of SQLite": (
        f"{store_file.MOST_RESULT_BYTES // 2**20} MiB; "
        f"{kept_events.MOST_PART_BYTES // 2**20} MiB at a time; "
        f"{store_file.MOST_STEP_SECONDS:.0f} s"
    ),
    "the beginning of `analyze --dask`": f"{cluster_connection.CONNECT_SECONDS:g} s",
    "a recording that `--ship` sends; those under way": (
        f"{cluster.MOST_SHIPPED_BYTES // 2**20} MiB; "
        f"{cluster.MOST_SHIPPED_AT_A_TIME_BYTES // 2**20} MiB"
    ),
    "recordings, or rows of tables, of a run of `analyze`": f"{entries.MOST_ENTRIES:,} (",
    "a line of a list; a list through a pipe": (
        f"{lists._LONGEST_LINE_BYTES // 2**20} MiB; {lists._MOST_PIPE_BYTES // 2**30} GiB"
    ),
    "of a table in Parquet: a text; a group of rows, as its header says": (
        f"{parquet_rows._LONGEST_TEXT_BYTES // 2**10} KiB; "
        f"{parquet_rows._MOST_GROUP_BYTES // 2**20} MiB"
    ),
    "of results in a report: the time of a recording; a value in JSON; recordings; events": (
        f"{read.LONGEST_SECONDS / 86_400:g} days; {lines._LONGEST_VALUE:,} characters; "
        f"{read.MOST_TRACKS:,} in a file; {read.MOST_EVENTS:,} in a file"
    ),
    "clients of a Wyoming source": "[wyoming.md](wyoming.md#limits)",
}


def test_the_number_of_subscriptions_is_that_of_the_page() -> None:
    assert zeromq_subscriptions.MOST_SUBSCRIPTIONS == 2_000


def test_every_row_of_the_table_is_checked() -> None:
    assert ROWS.keys() - {"what", "---"} == EXPECTED.keys()


@pytest.mark.parametrize("what", EXPECTED)
def test_a_row_has_the_limit_of_the_code(what: str) -> None:
    assert ROWS[what].startswith(EXPECTED[what].strip())


def test_one_page_says_how_many_files_the_history_keeps() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "clients/web/index.html"]
    said = [
        (page.name, count)
        for page in pages
        for count in re.findall(r"(\d{2,})\s+files\b", page.read_text("utf-8"))
    ]
    assert said == [("protocol.md", str(MOST_FILES))]
