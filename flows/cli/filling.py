"""What the commands that fill a folder share."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from flows.cli.running import say
from forge_core.errors import InputError

if TYPE_CHECKING:
    from configs.pipeline import SeedSeries

T = TypeVar("T")


def no_output(options: str) -> InputError:
    """The error for options that only make sense with a folder."""
    return InputError.of(
        got=f"{options} without --output", expected="a folder to fill", remedy="name one with --output DIR"
    )


def list_missing(
    folder: Path,
    series: "SeedSeries",
    wanted: Iterable[T],
    find: Callable[[Path, list[T]], list[T]],
    path_of: Callable[[T], Path],
) -> None:
    """The paths of the missing files on stdout, one a line; how many on stderr."""
    from forge_core.shards.manifest import missing_blocks

    if series.count is None and series.limit is None:
        raise InputError.of(
            got="--dry-run with --continuous", expected="an end to the list", remedy="add --limit, or use --count"
        )
    count = 0
    for block in missing_blocks(folder, wanted, size=1000, limit=series.limit, find=find):
        typer.echo("\n".join(str(path_of(item)) for item in block))
        count += len(block)
    say(f"{count:,} files are missing in {folder}")
