"""The archive in PostgreSQL: what addresses it takes, and with a real postgresql."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ConfigError, HistoryError
from emotiond.streamer.uploads import postgresql_archive
from emotiond.streamer.uploads.archive import MOST_FILES, PART_EVENTS, EventLog
from emotiond.streamer.uploads.archives import archive_at
from emotiond.streamer.uploads.postgresql_archive import PostgresqlArchive
from tests.conftest import DATA, ROOT
from tests.support.caller import calling, listed, pcm, recalled
from tests.support.daemon import emotiond, running_daemon
from tests.support.postgresql import PASSWORD, PostgreSQL, is_missing_postgresql, running_postgresql
from tests.support.signals import demo
from tests.support.silent_proxy import silent_proxy

psycopg = pytest.importorskip("psycopg", reason="needs psycopg")

VOICE = pcm(demo()[:32_000])


def log(count: int) -> EventLog:
    events = EventLog()
    for number in range(count):
        events.add(f'{{"seq":{number}}}')
    return events


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("postgresql://anna:secret@127.0.0.1/emotions", "cannot hold a password"),
        ("postgresql:///emotions?password=secret", "cannot hold a password"),
        ("postgresql:///?service=work", "cannot be a service"),
        ("postgresql://127.0.0.1/emotions?colour=red", 'invalid URI query parameter: "colour"'),
        ("postgresql://db.example/emotions?sslmode=require", "with sslmode=require"),
        ("postgresql://127.0.0.1,db.example/emotions?sslmode=prefer", "with sslmode=prefer"),
        ("postgresql:///emotions?host=db.example&sslmode=disable", "with sslmode=disable"),
        ("postgresql://127.0.0.1/x?hostaddr=192.0.2.1&sslmode=allow", "with sslmode=allow"),
    ],
)
def test_what_would_tell_a_secret_or_is_none_is_refused(url: str, fault: str) -> None:
    with pytest.raises(ConfigError) as raised:
        archive_at(url)
    assert fault in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_host_of_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    with pytest.raises(ConfigError, match="sslmode=prefer"):
        archive_at("postgresql:///emotions?sslmode=prefer")
    monkeypatch.setenv("PGSERVICE", "work")
    with pytest.raises(ConfigError, match="PGSERVICE"):
        archive_at("postgresql:///emotions")


def test_beyond_this_machine_the_certificate_is_verified(tmp_path: Path) -> None:
    missing = tmp_path / "root.crt"
    archive = archive_at(f"postgresql://192.0.2.1/emotions?sslrootcert={missing}")
    with pytest.raises(HistoryError, match=r"192\.0\.2\.1/emotions cannot be used"):
        archive.check()


def test_no_other_encryption_stands_in_for_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def connect(**parameters: Any) -> None:
        asked.update(parameters)
        raise psycopg.OperationalError("nobody is there")

    monkeypatch.setattr(psycopg, "connect", connect)
    with pytest.raises(HistoryError):
        archive_at("postgresql://db.example/emotions?gssencmode=prefer").check()
    assert (asked["sslmode"], asked["gssencmode"]) == ("verify-full", "disable")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "%2Frun%2Fpostgresql"])
def test_this_machine_needs_no_certificate(host: str) -> None:
    assert isinstance(archive_at(f"postgresql://{host}/emotions"), PostgresqlArchive)


def test_a_server_that_is_not_there_stops_the_start_in_one_line() -> None:
    ended = emotiond("run", "--port", "0", "--history", "postgresql://127.0.0.1:1/emotions")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "the history in PostgreSQL at 127.0.0.1:1/emotions cannot be used" in line
    assert line.endswith("name another history with --history.")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    if is_missing_postgresql():
        pytest.skip("needs postgresql: make test-peers")
    with running_postgresql() as running:
        yield running


@pytest.fixture
def archive(postgresql: PostgreSQL) -> PostgresqlArchive:
    for table in ("version", "parts", "files"):
        postgresql.execute(f"DROP TABLE IF EXISTS emotiond_{table}")
    return PostgresqlArchive(postgresql.url)


def test_results_and_events_come_back_in_parts(archive: PostgresqlArchive) -> None:
    name = 'Küche\ud83d "\\ \x00'
    number = archive.add({"name": name, "scores": {"b": 0.1, "a": 1e-4}}, log(PART_EVENTS + 1))
    found = archive.result(number)
    assert found is not None
    assert (found[0]["name"], found[1]) == (name, PART_EVENTS + 1)
    assert [*found[0]["scores"].items()] == [("b", 0.1), ("a", 1e-4)]
    assert found[0]["id"] == number
    assert len(archive.part(number, 0)) == PART_EVENTS
    assert archive.part(number, PART_EVENTS) == [{"seq": PART_EVENTS}]
    assert archive.part(number, 7) == []


def test_a_check_makes_no_tables(archive: PostgresqlArchive, postgresql: PostgreSQL) -> None:
    archive.check()
    assert postgresql.execute("SELECT to_regclass('emotiond_files')") == [(None,)]
    assert archive.results() == []
    archive.check()


def test_all_results_are_kept_and_the_newest_are_listed(
    archive: PostgresqlArchive, postgresql: PostgreSQL
) -> None:
    first = archive.add({"name": "a.wav"}, log(1))
    postgresql.execute(
        "INSERT INTO emotiond_files (result, events) SELECT '{}', 0 FROM generate_series(1,%s)",
        MOST_FILES,
    )
    assert len(archive.results()) == MOST_FILES
    assert archive.result(first) is not None


def test_a_deleted_result_leaves_no_events(
    archive: PostgresqlArchive, postgresql: PostgreSQL
) -> None:
    number = archive.add({"name": "a.wav"}, log(3))
    assert archive.forget([number, number + 1])
    assert not archive.forget([number])
    assert archive.result(number) is None
    assert postgresql.execute("SELECT count(*) FROM emotiond_parts") == [(0,)]


def test_two_daemons_may_begin_it_at_once(
    archive: PostgresqlArchive, postgresql: PostgreSQL
) -> None:
    others = [PostgresqlArchive(postgresql.url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        added = threads.map(lambda each: each.add({}, log(1)), others)
        assert sorted(added) == [1, 2, 3, 4]


def test_another_version_is_refused(archive: PostgresqlArchive, postgresql: PostgreSQL) -> None:
    archive.add({}, log(1))
    postgresql.execute("UPDATE emotiond_version SET version = 7")
    for use in (archive.check, archive.results):
        with pytest.raises(HistoryError, match="it is of version 7, not 1"):
            use()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE emotiond_files SET result = '[]'",
        "UPDATE emotiond_files SET events = -1",
        "UPDATE emotiond_files SET result = to_json(repeat('x', 1000000))",
    ],
)
def test_a_damaged_result_is_an_error(
    archive: PostgresqlArchive, postgresql: PostgreSQL, damage: str
) -> None:
    number = archive.add({}, log(1))
    postgresql.execute(damage)
    with pytest.raises(HistoryError, match="damaged"):
        archive.result(number)


def test_a_server_that_stops_answering_is_given_up(
    archive: PostgresqlArchive, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_archive, "_CALL_SECONDS", 0.2)
    with silent_proxy(postgresql.port) as proxy:
        url = postgresql.url.replace(f":{postgresql.port}/", f":{proxy.port}/")
        with (
            pytest.raises(HistoryError, match=r"it did not answer within 0\.2 s"),
            PostgresqlArchive(url)._used() as connection,
        ):
            proxy.fall_silent()
            connection.execute("SELECT 1")


def test_a_table_that_another_program_has_locked_is_given_up(
    archive: PostgresqlArchive, postgresql: PostgreSQL
) -> None:
    import psycopg

    archive.add({}, log(1))
    with psycopg.connect(postgresql.url) as other:
        other.execute("LOCK TABLE emotiond_files")
        with pytest.raises(HistoryError, match="statement timeout"):
            archive.results()
    assert len(archive.results()) == 1


def test_the_sql_of_the_page_runs_and_lets_another_user_in(
    archive: PostgresqlArchive, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "shared-history.md").read_text("utf-8")
    preparing, letting_in, asking = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    for statement in preparing.strip().split("\n"):
        postgresql.execute(statement, in_transaction=False)
    archive.add({"name": "a.wav", "label": "calm", "duration": 1.26}, log(1))
    assert postgresql.execute(asking) == [("a.wav", "calm", Decimal("1.3"))]
    for statement in letting_in.strip().split("\n"):
        postgresql.execute(statement)
    passfile = tmp_path / "passfile"
    passfile.write_text("*:*:*:ben:another long one")
    passfile.chmod(0o600)
    as_ben = postgresql.url.replace("emotiond@", "ben@")
    other = PostgresqlArchive(as_ben.replace(str(postgresql.passfile), str(passfile)))
    number = other.add({"name": "b.wav", "label": "sad", "duration": 2.0}, log(1))
    assert [found["name"] for found in archive.results()] == ["b.wav", "a.wav"]
    assert other.forget([number])
    assert [found["name"] for found in other.results()] == ["a.wav"]


def test_a_wrong_password_is_one_line_without_it(postgresql: PostgreSQL, tmp_path: Path) -> None:
    wrong = tmp_path / "passfile"
    wrong.write_text(f"*:*:*:emotiond:not-{PASSWORD}")
    wrong.chmod(0o600)
    url = postgresql.url.replace(str(postgresql.passfile), str(wrong))
    ended = emotiond("run", "--port", "0", "--history", url)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert "password authentication failed" in line
    assert PASSWORD not in line


def test_two_daemons_share_it_and_go_on_after_a_restart_of_the_server(
    archive: PostgresqlArchive, postgresql: PostgreSQL
) -> None:
    tiny = str(DATA / "tiny.tflite")
    flags = ("--source", "demo", "--model", tiny, "--history", postgresql.url)
    with contextlib.ExitStack() as stack:
        daemons = [stack.enter_context(running_daemon(*flags)) for _ in range(2)]
        one, other = [stack.enter_context(calling(d.websocket_url)) for d in daemons]
        analysis = one.analysis(VOICE, name="holiday.wav")
        (kept,) = listed(other)
        assert kept.pop("bytes") > 0
        assert kept.items() <= analysis.items()
        result, events = recalled(other, int(str(kept["id"])))
        assert result["label"] == analysis["label"]
        assert len(events) == analysis["events"]
        postgresql.kill()
        lost = one.analysis(VOICE, name="lost.wav")
        assert (lost["id"], lost["label"]) == (None, analysis["label"])
        assert one.until("error")["error"] == "history-failed"
        postgresql.start()
        one.analysis(VOICE, name="later.wav")
        assert [file["name"] for file in listed(other)] == ["later.wav", "holiday.wav"]
