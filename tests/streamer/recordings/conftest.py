"""What the tests of recordings share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The local time of a zone, as the variable TZ names it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "TZ", request.param)
        time.tzset()
        yield
    time.tzset()
