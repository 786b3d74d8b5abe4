"""A tool that fails reports the reason in one line."""

from __future__ import annotations

import pytest

from emotiond.exceptions import DataError
from emotiond.models.training.common.command import run


def test_an_error_is_reported_with_its_remedy() -> None:
    def fail() -> None:
        raise DataError("nothing is here", "Look elsewhere")

    with pytest.raises(SystemExit, match=r"^emotiond: nothing is here\. Look elsewhere\.$"):
        run(fail)


def test_ctrl_c_gives_no_traceback() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stopped:
        run(stop)
    assert stopped.value.code == 130
