"""The values of --record-rotate, --record-quota and --record-events."""

from __future__ import annotations

import datetime
import os

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.recordings.plan import Plan, is_another_day, parse_plan


def unix(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("rotate", "quota", "plan"),
    [
        ((), None, Plan()),
        (("100MB",), None, Plan(most_bytes=100_000_000)),
        (("day",), "10GB", Plan(by_day=True, quota_bytes=10_000_000_000)),
        (("1d", "1.5 MiB"), "2tb", Plan(("jsonl",), 1_572_864, True, 2_000_000_000_000)),
    ],
)
def test_sizes_and_days_are_understood(
    rotate: tuple[str, ...], quota: str | None, plan: Plan
) -> None:
    assert parse_plan(rotate, quota, "jsonl") == plan


def test_events_have_one_form_or_both() -> None:
    assert parse_plan((), None, "sqlite").forms == ("sqlite",)
    assert parse_plan((), None, "both").forms == ("jsonl", "sqlite")


@pytest.mark.parametrize(
    ("rotate", "quota", "reason"),
    [
        (("100",), None, "Use a number with kB, MB"),
        (("week",), None, "such as 100MB or day"),
        (("-1MB",), None, "cannot be '-1MB'"),
        (("1e9MB",), None, "cannot be '1e9MB'"),
        (("nanMB",), None, "cannot be"),
        (("10kB",), None, "Use 1MB at least"),
        (("1MB", "2MB"), None, "two values of a kind"),
        (("day", "1d"), None, "two values of a kind"),
        (("1MB",), "1MB", "Use 2MB at least"),
        ((), "1GB", "Give --record-rotate"),
        (("day",), "lots", "record_quota cannot be 'lots'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_remedy(
    rotate: tuple[str, ...], quota: str | None, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_plan(rotate, quota, "jsonl")


def test_with_a_quota_a_part_ends_at_half_of_it_at_the_latest() -> None:
    assert parse_plan(("day",), "4MB", "jsonl").most_part_bytes == 2_000_000
    assert parse_plan(("1MB",), "4MB", "jsonl").most_part_bytes == 1_000_000
    assert parse_plan(("day",), None, "jsonl").most_part_bytes is None


@pytest.mark.skipif(os.name != "posix", reason="needs time zones")
@pytest.mark.parametrize("zone", ["CET-1CEST,M3.5.0,M10.5.0/3"], indirect=True)
@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("begin", "now", "is_new"),
    [
        ("2026-11-29T23:59:59+01:00", "2026-11-30T00:00:00+01:00", True),
        ("2026-11-29T00:00:00+01:00", "2026-11-29T23:59:59+01:00", False),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", False),  # summer time ends
        ("2026-11-30T00:00:00+01:00", "2026-11-29T23:59:59+01:00", False),  # set back a little
        ("2030-01-01T00:00:00+01:00", "2026-11-29T12:00:00+01:00", True),  # set right again
    ],
)
def test_a_day_begins_at_local_midnight(begin: str, now: str, is_new: bool) -> None:
    assert is_another_day(unix(begin), unix(now)) is is_new
