"""Writing a .npy file whose length is known only at the end."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.lib import format as npy_format


class NpyStream:
    """Appends rows to a .npy file; the header gets their number on leaving the `with` block."""

    def __init__(self, path: Path, dtype: np.dtype, row_shape: tuple[int, ...]) -> None:
        self._dtype, self._row_shape, self._rows = dtype, row_shape, 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, rows: np.ndarray) -> None:
        """Append an array of shape [n, *row_shape] and the stream's dtype; ValueError for any other."""
        if rows.dtype != self._dtype or rows.shape[1:] != self._row_shape:
            raise ValueError(f"got rows {rows.dtype}{list(rows.shape[1:])}, not {self._dtype}{list(self._row_shape)}")
        self._file.write(np.ascontiguousarray(rows).data)
        self._rows += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.seek(0)
        self._write_header()  # numpy pads the header so that a longer first axis fits in
        self._file.close()

    def _write_header(self) -> None:
        header = {
            "descr": npy_format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._rows, *self._row_shape),
        }
        npy_format.write_array_header_1_0(self._file, header)
