"""An interrupted write leaves the old file or the new one, never a part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotiond.exceptions import DataError
from emotiond.models.training.common.files import digest_of, load_arrays, save_arrays, write_whole


def test_a_file_is_replaced_atomically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "inferred.pickle"
    write_whole(path, b"first")

    def stop(_: Path, __: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays = {"conv/kernel": np.arange(6.0).reshape(2, 3), "label": np.array(["rain"])}
    save_arrays(tmp_path / "start.npz", arrays)
    loaded = load_arrays(tmp_path / "start.npz")
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_the_digest_of_arrays_is_of_their_names_types_shapes_and_values() -> None:
    arrays = {"kernel": np.arange(6.0).reshape(2, 3), "bias": np.zeros(3)}
    digest = digest_of(arrays)
    assert digest_of({"bias": arrays["bias"], "kernel": arrays["kernel"].copy()}) == digest
    for changed in (
        {"kernel": arrays["kernel"].reshape(3, 2)},
        {"kernel": arrays["kernel"].astype(np.float32)},
        {"kernel": arrays["kernel"] + 1e-9},
        {"gain": np.ones(3)},
    ):
        assert digest_of(arrays | changed) != digest


@pytest.mark.parametrize("content", [None, b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "encoder.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read .*encoder\.npz.*models/README\.md"):
        load_arrays(path)
