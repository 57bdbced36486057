from pathlib import Path

import numpy as np
import pytest

from forge_core.tokens.npy import NpyStream


@pytest.mark.parametrize("lengths", [[], [0], [3], [1, 0, 70_000, 2]])
def test_what_is_appended_is_what_numpy_loads(tmp_path: Path, lengths: list[int]) -> None:
    parts = [np.arange(2 * n, dtype=np.int64).reshape(n, 2) for n in lengths]
    with NpyStream(tmp_path / "a.npy", np.dtype(np.int64), (2,)) as stream:
        for part in parts:
            stream.append(part)
    expected = np.concatenate([np.zeros((0, 2), np.int64), *parts])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), expected)


def test_other_rows_are_refused(tmp_path: Path) -> None:
    with NpyStream(tmp_path / "a.npy", np.dtype(np.int8), (7,)) as stream:
        with pytest.raises(ValueError, match=r"int8\[6\]"):
            stream.append(np.zeros((1, 6), np.int8))
        with pytest.raises(ValueError, match="int64"):
            stream.append(np.zeros((1, 7), np.int64))
