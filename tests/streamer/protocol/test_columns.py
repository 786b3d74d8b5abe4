"""Events by field: checked together, they are what they are one by one."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.protocol.checks import MessageError, event_of
from emotiond.streamer.protocol.columns import (
    FIELDS,
    _checked_together,
    checked_columns,
    columns_of,
)
from emotiond.streamer.protocol.events import Emotion, to_json
from tests.support.recorded import said

GOOD = [to_json(said(index, label)) for index, label in enumerate(("sad", "calm", "happy"))]
SILENT = GOOD[0] | {
    "state": "silence", "label": None, "confidence": None, "scores": None, "raw": None,
    "age_ms": None, "seq": 3,
}  # fmt: skip
NAMES = sorted({*GOOD[0], "demo", "replay", "other"} - {"type"})
ODD = [
    None, True, "", "sad", "speech", -1, 0, 1, 1.5, 2**70, -0.1, 1e12, math.nan, math.inf, [], {},
    {"sad": 1.0}, GOOD[0]["scores"], {**GOOD[0]["scores"], "sad": True},
    {**GOOD[0]["scores"], "sad": "1"}, {**GOOD[0]["scores"], "sad": 1.1},
]  # fmt: skip


def one_by_one(objects: list[dict[str, Any]]) -> list[Emotion]:
    events = []
    for each in objects:
        try:
            event = event_of(each)
        except MessageError:
            continue
        if isinstance(event, Emotion) and event.stream == "mic":
            events.append(event)
    return events


def test_a_column_holds_a_field_of_all_events() -> None:
    columns = checked_columns([*GOOD, SILENT], "mic")
    assert tuple(columns) == FIELDS
    assert columns["seq"] == [0, 1, 2, 3]
    assert columns["label"] == ["sad", "calm", "happy", None]
    assert columns["scores"][0] == [*GOOD[0]["scores"].values()]
    assert (columns["raw"][3], columns["age_ms"][3]) == (None, None)


def test_the_order_of_scores_is_that_of_the_labels() -> None:
    turned = GOOD[0] | {"scores": dict(reversed(GOOD[0]["scores"].items()))}
    assert checked_columns([turned], "mic") == columns_of([said(0, "sad")])


def test_no_event_has_empty_columns() -> None:
    assert checked_columns([], "mic") == {name: [] for name in FIELDS}


def test_what_is_whole_is_checked_together() -> None:
    assert _checked_together([*GOOD, SILENT]) == columns_of(one_by_one([*GOOD, SILENT]))


@given(
    index=st.integers(0, 3),
    name=st.sampled_from(NAMES),
    value=st.sampled_from(ODD) | st.floats() | st.integers() | st.text(),
    is_missing=st.booleans(),
)
def test_damage_of_any_kind_costs_that_event_alone(
    index: int, name: str, value: object, is_missing: bool
) -> None:
    objects = copy.deepcopy([*GOOD, SILENT])
    if is_missing:
        objects[index].pop(name, None)
    else:
        objects[index][name] = value
    assert checked_columns(objects, "mic") == columns_of(one_by_one(objects))


@pytest.mark.parametrize("name", sorted({*NAMES} - {"stream"}))
def test_nothing_passes_together_that_would_not_pass_alone(name: str) -> None:
    for value in ODD:
        damaged = GOOD[1] | {name: value}
        try:
            event_of(damaged)
        except MessageError:
            with pytest.raises((LookupError, TypeError, ValueError, OverflowError)):
                _checked_together([GOOD[0], damaged])
