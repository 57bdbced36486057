"""What the commands that fill a data set share: the same code with a folder or the store as the destination."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from flows.cli import inputs
from flows.cli.options import SEEDS, absolute, options_of, setting
from flows.cli.results import show_json, show_rows
from flows.cli.running import run_flow, say
from forge_core.errors import InputError

if TYPE_CHECKING:
    from configs.pipeline import SeedSeries
    from flows.fillers import Filler


class Filling(NamedTuple):
    """What was typed of a data set to fill.

    seeds    start, count and limit: settings of a series
    output   the folder; None = the store
    dry_run  nothing is to be made
    """

    seeds: dict[str, int | None]
    output: Path | None
    dry_run: bool


def filling_of(
    start_seed: Annotated[int, setting(SEEDS, "start")] = 0,
    count: Annotated[int, setting(SEEDS, "count")] = 10,
    output: Annotated[
        Path | None, typer.Option(help="A folder to fill: only what it lacks is made. If not given, the store.")
    ] = None,
    continuous: Annotated[bool, typer.Option("--continuous", help="On and on, until Ctrl-C.")] = False,
    limit: Annotated[int | None, setting(SEEDS, "limit")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the files that are missing.")] = False,
) -> Filling:
    """What was typed."""
    seeds = {"start": start_seed, "count": None if continuous else count, "limit": limit}
    return Filling(seeds, output, dry_run)


filling_options = options_of(filling_of, "asked")
"""Gives a command these options; its parameter `asked` then gets the `Filling`."""


def fill(filler: "Filler[Any]", series: "SeedSeries", asked: Filling, *, as_json: bool, **parameters: Any) -> None:
    """Run the filler's flow and show what it came to; a dry run only lists the files that are missing."""
    if asked.dry_run:
        _list_missing(filler, series, absolute(asked.output), as_json=as_json)
        return
    folder = inputs.output(asked.output)
    if folder is not None:
        filler.dataset.check_folder(folder)
    report = run_flow(f"fill:{filler.flow.replace('-', '_')}", folder=folder, **parameters).value
    if as_json:
        show_json({name: getattr(report, name) for name in ("title", "made", "kept", "states", "skipped")})
        return
    rows = [*report.rows, *(("skipped", str(path)) for path in report.skipped)]
    show_rows(f"{filler.title} in {asked.output or 'the store'}", rows)


def _list_missing(filler: "Filler[Any]", series: "SeedSeries", folder: Path | None, *, as_json: bool) -> None:
    """The paths of the missing files on stdout, one a line; how many on stderr."""
    from flows.fillers import gaps

    if series.count is None and series.limit is None:
        raise InputError.of(
            got="--dry-run with --continuous", expected="an end to the list", remedy="add --limit, or use --count"
        )
    count = 0
    for block in gaps(filler, series, folder):
        names = [filler.dataset.relative_path(item) for item in block]
        typer.echo("\n".join(json.dumps({"missing": name}) if as_json else name for name in names))
        count += len(block)
    say(f"{count:,} files are missing in {folder or 'the store'}")
