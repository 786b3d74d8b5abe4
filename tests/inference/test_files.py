"""Files whose names come from outside: none is waited for, none is read without end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from emotiond.inference.files import read_file


def test_a_file_is_read_whole_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")
    assert read_file(path, 4) == b"1234"
    with pytest.raises(ValueError, match="far too large"):
        read_file(path, 3)


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices with a path")
def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="no regular file"):
            read_file(path, 4)
    with pytest.raises(OSError, match="directory") as refused:
        read_file(tmp_path, 4)
    assert refused.value.errno == errno.EISDIR
