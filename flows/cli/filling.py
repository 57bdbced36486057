"""What the commands that fill a data set share: the same code with a folder or the store as the destination."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flows.cli import inputs
from flows.cli.options import absolute
from flows.cli.results import show_json, show_rows
from flows.cli.running import run_flow, say
from forge_core.errors import InputError

if TYPE_CHECKING:
    from configs.pipeline import SeedSeries
    from flows.fillers import Filler


def fill(
    filler: "Filler[Any]", series: "SeedSeries", output: Path | None, *, dry_run: bool, as_json: bool, **parameters: Any
) -> None:
    """Run the filler's flow and show what it came to; with `dry_run` only list the files that are missing."""
    folder = absolute(output)
    if dry_run:
        _list_missing(filler, series, folder, as_json=as_json)
        return
    folder = inputs.output(output)
    if folder is not None:
        filler.dataset.check_folder(folder)
    report = run_flow(f"fill:{filler.flow.replace('-', '_')}", folder=folder, **parameters).value
    if as_json:
        show_json({name: getattr(report, name) for name in ("title", "made", "kept", "states", "skipped")})
        return
    rows = [*report.rows, *(("skipped", str(path)) for path in report.skipped)]
    show_rows(f"{filler.title} in {output or 'the store'}", rows)


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
