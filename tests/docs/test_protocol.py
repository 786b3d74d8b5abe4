"""docs/protocol.md and its JSON Schemas, held against real traffic."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import zmq
from jsonschema import Draft202012Validator, ValidationError

from emotiond.inference.card import LABELS
from emotiond.streamer.daemon_names import MOST_CHARACTERS
from emotiond.streamer.past.kept_stream import CLOSEST_SECONDS
from emotiond.streamer.past.past import PIECE_EVENTS
from emotiond.streamer.protocol.columns import FIELDS
from emotiond.streamer.protocol.events import State, StreamStatus
from emotiond.streamer.protocol.requests import REQUESTS
from emotiond.streamer.rooms.addresses import MOST_ROOMS
from emotiond.streamer.rooms.received import MOST_STREAMS
from emotiond.streamer.rooms.room import STATES as ROOM_STATES
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.sessions.sessions import MOST_SESSIONS
from emotiond.streamer.sessions.sessions import PIECE_EVENTS as SESSION_EVENTS
from emotiond.streamer.settings.config import Config
from emotiond.streamer.uploads.archive import MOST_FILES
from emotiond.streamer.uploads.history import PIECE_EVENTS as RECALLED_EVENTS
from tests.conftest import DATA
from tests.support.caller import Object, calling, pcm
from tests.support.daemon import PATIENCE_SECONDS, running_daemon
from tests.support.paired import code_of, make_home, running_home, talking
from tests.support.schema import Side, check, schema_of, types_of
from tests.support.signals import demo

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
EXAMPLES = [
    line for block in re.findall(r"```json\n(.*?)```", PAGE, re.S) for line in block.splitlines()
]
SIDES: tuple[Side, ...] = ("daemon", "client")
EVENTS = {"emotion", "change", "status"}
VOICE = pcm(demo()[:48_000])

NONSENSE = {
    "not-json": "{",
    "bad-message": '{"type":"start"}',
    "unknown-type": '{"type":"dance"}',
}


def errors() -> set[str]:
    return set(schema_of("daemon")["$defs"]["error"]["properties"]["error"]["enum"])


@pytest.mark.parametrize("side", SIDES)
def test_the_schemas_are_schemas(side: Side) -> None:
    Draft202012Validator.check_schema(schema_of(side))


def test_no_object_may_have_a_field_that_is_not_documented() -> None:
    def objects(schema: Any) -> Iterator[Object]:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                yield schema
            for value in schema.values():
                yield from objects(value)
        elif isinstance(schema, list):
            for value in schema:
                yield from objects(value)

    for side in SIDES:
        found = list(objects(schema_of(side)))
        assert len(found) > 5
        assert all(schema["additionalProperties"] is False for schema in found)
        assert all("properties" in schema for schema in found)


def test_the_schema_of_clients_has_the_requests_of_the_daemon() -> None:
    assert types_of("client") == set(REQUESTS)
    for kind, request in REQUESTS.items():
        schema = schema_of("client")["$defs"][kind]
        fields = dataclasses.fields(request)
        assert set(schema["properties"]) == {"type", *(field.name for field in fields)}
        needed = {field.name for field in fields if field.default is dataclasses.MISSING}
        assert set(schema["required"]) == {"type", *needed}


def test_the_schemas_have_the_names_and_limits_of_the_code() -> None:
    messages = schema_of("daemon")["$defs"]
    assert messages["label"]["enum"] == list(LABELS)
    assert messages["emotion"]["properties"]["state"]["enum"] == list(get_args(State))
    assert messages["status"]["properties"]["status"]["enum"] == list(get_args(StreamStatus))
    assert messages["history"]["properties"]["files"]["maxItems"] == MOST_FILES
    assert messages["hello"]["properties"]["name"]["maxLength"] == MOST_CHARACTERS
    followed = messages["rooms"]["properties"]["rooms"]
    assert followed["maxItems"] == MOST_ROOMS
    assert followed["items"]["properties"]["streams"]["maxItems"] == MOST_STREAMS
    assert followed["items"]["properties"]["state"]["enum"] == list(ROOM_STATES)
    assert messages["recalled"]["properties"]["events"]["maxItems"] == RECALLED_EVENTS
    kept = messages["past"]["properties"]["events"]["properties"]
    assert {field["maxItems"] for field in kept.values()} == {PIECE_EVENTS}
    read = messages["session"]["properties"]["events"]["properties"]
    assert {field["maxItems"] for field in read.values()} == {SESSION_EVENTS}
    assert tuple(read) == tuple(kept) == FIELDS
    assert messages["sessions"]["properties"]["sessions"]["maxItems"] == MOST_SESSIONS
    assert kept.keys() == messages["emotion"]["properties"].keys() - {
        "type", "stream", "confidence", "demo", "replay",
    }  # fmt: skip


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """All messages to a client that tries everything. Each was checked when it came."""
    folder = tmp_path_factory.mktemp("history")
    options = ("--source", "demo", "--model", str(DATA / "tiny.tflite"))
    with (
        running_daemon(
            *options, "--history", str(folder / "history.sqlite"), "--record", f"{folder}/k.wav"
        ) as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        caller.say("auth", token="")
        caller.say("ping")
        number = caller.analysis(VOICE, name="voice", publish=True, duration=3)["id"]
        live = {"purpose": "live", "format": "f32le", "sample_rate": 48_000}
        caller.say("start", **live, publish=True, name=caller.hello["streams"][0])
        caller.until("error", error="name-taken")
        stream = caller.start(**live)
        caller.say("start", purpose="live", format="f32le", sample_rate=48_000)
        caller.send(VOICE)
        caller.say("cancel")
        caller.until("status", stream=stream, status="ended")
        caller.say("end")  # what is left of the stream: it is ignored
        caller.say("end")
        for text in NONSENSE.values():
            caller.connection.send(text)
        caller.say("history")
        caller.say("recall", id=number)
        caller.say("forget", ids=[number])
        caller.say("recall", id=number)
        caller.say("sessions")
        session = caller.until("sessions")["sessions"][0]["id"]
        caller.say("session", id=session)
        caller.say("session", id="nothing")
        caller.say("delete-sessions", ids=[session])
        caller.say("past", stream="demo")
        caller.say("past", stream="nowhere")
        caller.say("erase", stream="demo")
        caller.say("rooms")
        caller.say("mute", muted=True)
        caller.start()
        caller.connection.send(b"odd")
        caller.say("start", purpose="file", format="s16le", sample_rate=8000, duration=1e6)
        (folder / "history.sqlite").write_bytes(b"not a database")
        caller.say("history")
        caller.until("error", error="history-failed")
        received = caller.received
    with (
        running_daemon(*options, "--history", "off", "--max-client-streams", "0") as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        caller.say("start", purpose="live", format="s16le", sample_rate=8000)
        caller.say("history")
        caller.until("error", error="history-off")
        caller.say("sessions")
        caller.until("error", error="sessions-off")
        caller.say("pair")
        caller.until("error", error="cannot-pair")
    return received + caller.received + pairing_traffic(tmp_path_factory.mktemp("home"))


def pairing_traffic(folder: Path) -> list[Object]:
    """The messages to an owner and to a device, of which each was checked when it came."""
    pytest.importorskip("segno", reason="needs the extra 'pair'")
    home = make_home(folder)
    with running_home(home) as daemon, talking(home, daemon) as owner:
        offer = owner.ask("pairing", "pair", name="phone")
        with talking(home, daemon, "redeem", code=code_of(offer)) as device:
            device.until("paired")
            device.ask("error", "devices")
            owner.ask("error", "pair", name="phone")
            owner.ask("error", "revoke", name="tablet")
            owner.ask("devices", "devices")
            return owner.received + device.received


def test_real_traffic_has_every_documented_message(traffic: list[Object]) -> None:
    assert {message["type"] for message in traffic} == types_of("daemon")


def test_real_traffic_has_every_error_that_needs_no_waiting(traffic: list[Object]) -> None:
    met = {message["error"] for message in traffic if message["type"] == "error"}
    # See tests/streamer/uploads/test_upload_stream.py and tests/streamer/server/test_pairing.py.
    assert met == errors() - {"idle", "failed", "too-many-devices", "pairing-failed"}


@pytest.mark.parametrize("kind", sorted(types_of("daemon")))
def test_a_field_that_is_not_documented_or_missing_would_be_noticed(
    traffic: list[Object], kind: str
) -> None:
    # In an event of the demo one field, "demo", may be missing: others come first.
    found = (m for m in traffic if m["type"] == kind)
    message = copy.deepcopy(min(found, key=lambda m: bool(m.get("demo"))))
    with pytest.raises(ValidationError):
        check("daemon", {**message, "undocumented": 1})
    for name in message.keys() - {"type"}:
        with pytest.raises(ValidationError):
            check("daemon", {key: value for key, value in message.items() if key != name})


def test_the_same_events_go_out_by_zeromq_and_standard_output() -> None:
    options = ("--source", "demo", "--model", str(DATA / "tiny.tflite"), "--json")
    with (
        running_daemon(*options) as daemon,
        zmq.Context() as context,
        context.socket(zmq.SUB) as subscriber,
    ):
        subscriber.subscribe(b"")
        subscriber.connect(daemon.zeromq_endpoint)
        topics = set()
        while topics != EVENTS:
            assert subscriber.poll(PATIENCE_SECONDS * 1000)
            topic, text = subscriber.recv_multipart()
            message = json.loads(text)
            check("daemon", message)
            assert topic.decode() == message["type"]
            topics.add(message["type"])
        assert daemon.stop() == 0
        for message in daemon.events():
            check("daemon", message)
            assert message["type"] in EVENTS


def test_every_example_is_a_message() -> None:
    seen = set()
    for line in EXAMPLES:
        message = json.loads(line)
        side: Side = "daemon"
        is_answer = {"files", "events", "rooms", "devices", "sessions"} & set(message)
        if message["type"] in types_of("client") and not is_answer:
            side = "client"
        check(side, message)
        seen.add((side, message["type"]))
    assert seen == {(side, kind) for side in SIDES for kind in types_of(side)}


def test_every_message_field_and_error_is_on_the_page() -> None:
    for side in SIDES:
        for kind in types_of(side):
            assert f"`{kind}`" in PAGE
            for name in schema_of(side)["$defs"][kind]["properties"]:
                assert f"`{name}`" in PAGE, name
    for error in errors():
        assert f"`{error}`" in PAGE, error


def test_the_page_has_the_limits_of_the_daemon() -> None:
    limits = Limits()
    for text in (
        f"{limits.message_bytes // 1024} KiB",
        f"{limits.file_seconds / 60:.0f} minutes",
        f"{limits.idle_seconds:.0f} s",
        f"{limits.frames_per_second:.0f} a second",
        f"{limits.frames_at_once} at once",
        f"{limits.uncounted_bytes // 1024} KiB",
        f"{limits.senseless_messages} messages",
        f"{MOST_FILES} files",
        f"the newest {MOST_SESSIONS} `sessions`",
        f"up to {SESSION_EVENTS}, some",
        f"up to {PIECE_EVENTS} events",
        f"`--keep-hours` ({Config().keep_hours:g};",
        f"`--name` has 1 to {MOST_CHARACTERS} letters",
        f"closer than {CLOSEST_SECONDS} s",
    ):
        assert text in PAGE, text
