"""Which files of a folder were read whole and found sound, so that filling it again does not read them all again.

As in git's index, a file is taken to be unchanged while its size and time of change are. (What changes without that, a
bad disk for one, is found when the file is read: readers verify checksums themselves.)
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class CheckedFiles:
    """The hidden file `.checked` of a data set's folder: a line "relative path TAB size TAB time of change" a file.

    Processes append to it whole lines at a time; a line that was cut or is out of date does not count. It may be
    deleted at any time, and is not written in folders that cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".checked"
        self._stamps: dict[str, str] = {}
        with suppress(OSError, UnicodeDecodeError):
            for line in self._path.read_text("utf-8").splitlines():
                relative, _, stamp = line.partition("\t")
                self._stamps[relative] = stamp

    def has(self, relative: str, entry: os.DirEntry[str]) -> bool:
        """Whether the file was found sound as it is now."""
        return self._stamps.get(relative) == _stamp(entry)

    def add(self, sound: Iterable[tuple[str, os.DirEntry[str]]]) -> None:
        """Note files that were just read and found sound, with what was known of them before they were read."""
        lines = "".join(f"{relative}\t{_stamp(entry)}\n" for relative, entry in sound)
        if lines:
            with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
                file.write(lines)


def _stamp(entry: os.DirEntry[str]) -> str:
    try:
        stat = entry.stat()  # of the moment of its first call, which is before the file is read
    except FileNotFoundError:
        return ""
    return f"{stat.st_size}\t{stat.st_mtime_ns}"
