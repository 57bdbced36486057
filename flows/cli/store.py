"""Commands about the artifact store: what is in it, whether it is sound, what can go."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.errors import ForgeGroup
from flows.cli.options import Json
from flows.cli.results import show_rows

if TYPE_CHECKING:
    from forge_core.artifacts.upkeep import Item, Plan

app = typer.Typer(cls=ForgeGroup, help="The artifact store.", no_args_is_help=True, rich_markup_mode=None)

_DIGITS = 12  # of a digest, for people
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@app.command()
def ls(
    kind: Annotated[str | None, typer.Option(help="Only objects of this kind: shards, tokens, model, ...")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many objects to show; 0 = only the kinds.")] = 20,
    as_json: Json = False,
) -> None:
    """List the objects of the store: kind, size, when it was last of use, what refers to it."""
    from configs.storage import open_store
    from forge_core.artifacts.upkeep import inventory

    backend = open_store().backend
    items = [item for item in inventory(backend) if kind in (None, item.kind)]
    if as_json:
        typer.echo(json.dumps([_fields(item) for item in items], indent=1))
        return
    pins = _pins()
    shown = sorted(items, key=lambda item: -item.used)[:limit]
    rows = [
        (item.kind, item.digest[:_DIGITS], f"{item.files:,}", _bytes(item.size), _age(item.used), _refers(item, pins))
        for item in shown
    ]
    if rows:
        title = f"Last of use in {backend.name}" + f" ({len(shown):,} of {len(items):,})" * (len(shown) < len(items))
        show_rows(title, rows, ("kind", "digest", "files", "size", "last of use", "referred to by"))
    groups = {item.kind: [each for each in items if each.kind == item.kind] for item in items}
    kinds = [(name, f"{len(group):,}", _bytes(sum(item.size for item in group))) for name, group in groups.items()]
    total = ("all", f"{len(items):,}", _bytes(sum(item.size for item in items)))
    show_rows(f"Objects in {backend.name}", [*kinds, total], ("kind", "objects", "size"))


@app.command()
def verify(as_json: Json = False) -> None:
    """Read every object and compare it with its digest; exit code 1 when one is damaged or missing."""
    from configs.storage import open_store
    from forge_core.artifacts.upkeep import corruptions, dangling_keys, inventory
    from forge_view.console import progress

    backend = open_store().backend
    items = inventory(backend)
    with progress("reading", sum(item.size for item in items) >> 20, "{mb:,.0f} MB/s") as advance:
        found = list(corruptions(backend, items, on_bytes=lambda size: advance(size >> 20, mb=size >> 20)))
    lost = sorted({key.entry.reference.short for key in dangling_keys(backend) if key.entry is not None})
    if as_json:
        damaged = [{**_fields(corruption.item), "fault": corruption.words} for corruption in found]
        typer.echo(json.dumps({"objects": len(items), "damaged": damaged, "missing": lost}, indent=1))
    else:
        rows = [
            (corruption.item.kind, corruption.item.digest, corruption.words, _made_by(corruption.item))
            for corruption in found
        ]
        rows += [(*name.split(), "it was deleted, but a key leads to it", "") for name in lost]
        if rows:
            show_rows(f"Not sound in {backend.name}", rows, ("kind", "digest", "what is wrong", "made by"))
            typer.echo("Run the flow that makes it again: a lookup notices, and replaces it.")
        typer.echo(f"{len(items) - len(found):,} of {len(items) + len(lost):,} objects are sound.")
    if found or lost:
        raise typer.Exit(1)


@app.command()
def gc(
    days: Annotated[float, typer.Option(min=0, help="Keep what was of use within so many days.")] = 30,
    keep: Annotated[
        list[Path] | None,
        typer.Option(exists=True, file_okay=False, help="Keep what this folder holds or names; may be repeated."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", "--yes", help="Remove it; without this it is only shown.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show, and with --delete remove, what nothing needs: objects long out of use, and what killed runs left behind.

    Safe beside running flows: what is being built, or was used since the oldest of them started, stays.
    """
    from configs.installation import Installation
    from configs.storage import open_store
    from forge_core.artifacts.upkeep import abandoned_trainings, collect, plan

    store = open_store()
    pins = _pins(*(keep or ()))
    answers: list[dict[str, Any]] = []
    for backend in dict.fromkeys((store.backend, store.folder)):
        found = plan(backend, days=days, pins=pins)
        if backend is store.folder:
            training = Installation().home.absolute() / "training"
            found.orphans.extend(abandoned_trainings(store.folder, training, before=found.cutoff))
        freed = collect(backend, found) if delete else 0
        answers.append({"store": backend.name, "freed": freed, **_plan_fields(found)})
        if not as_json:
            _show_plan(backend.name, found)
            typer.echo(f"{_bytes(freed)} freed." if delete else f"{_bytes(found.size)} would be freed by --delete.")
    if as_json:
        typer.echo(json.dumps(answers, indent=1))


def _show_plan(name: str, found: "Plan") -> None:
    rows = [
        (item.kind, item.digest[:_DIGITS], _bytes(item.size), _age(item.used), _made_by(item))
        for item in found.unneeded
    ]
    if rows:
        show_rows(f"Not needed in {name}", rows, ("kind", "digest", "size", "last of use", "made by"))
    if found.orphans:
        kinds = {each.what: [other for other in found.orphans if other.what == each.what] for each in found.orphans}
        left = [
            (
                what,
                f"{len(group):,}",
                _bytes(sum(each.size for each in group)),
                _age(min(each.changed for each in group)),
            )
            for what, group in kinds.items()
        ]
        show_rows("Left behind by what was killed", left, ("what", "how many", "size", "the oldest"))
    if found.dangling:
        typer.echo(f"{len(found.dangling):,} keys lead to nothing.")
    reasons = [reason for _, reason in found.kept]
    counts = ", ".join(f"{reasons.count(reason):,} {reason}" for reason in dict.fromkeys(reasons))
    typer.echo(f"{len(reasons):,} objects stay" + f" ({counts})." * bool(reasons) + "." * (not reasons))


def _pins(*folders: Path) -> dict[str, str]:
    """The digests that the catalog and the folders name or hold, and who does."""
    from configs.installation import Installation
    from forge_core.artifacts.listing import foreign_source
    from forge_core.artifacts.upkeep import named_digests

    held = {foreign_source(folder).digest: str(folder) for folder in folders}
    catalog = Installation().models
    places = [*((folder, str(folder)) for folder in folders), *([(catalog, "catalog")] if catalog.is_dir() else [])]
    return held | {digest: name for folder, name in places for digest in named_digests(folder)}


def _fields(item: "Item") -> dict[str, Any]:
    return {
        "kind": item.kind,
        "digest": item.digest,
        "size": item.size,
        "files": item.files,
        "used": item.used,
        "stages": item.stages,
        "keys": item.keys,
        "linked": item.linked,
    }


def _plan_fields(found: "Plan") -> dict[str, Any]:
    return {
        "size": found.size,
        "unneeded": [_fields(item) for item in found.unneeded],
        "orphans": [each._asdict() for each in found.orphans],
        "dangling_keys": [key.digest for key in found.dangling],
        "kept": len(found.kept),
    }


def _refers(item: "Item", pins: dict[str, str]) -> str:
    names = [*item.stages, *([pins[item.digest]] if item.digest in pins else []), *["a folder"] * item.linked]
    return ", ".join(names) or "nothing"


def _made_by(item: "Item") -> str:
    return ", ".join(item.stages) or "no key leads to it"


def _bytes(size: int) -> str:
    from rich.filesize import decimal

    return decimal(size)


def _age(then: float) -> str:
    """How long ago, in the largest unit that gives at least two of it, as in "3 h"."""
    seconds = max(time.time() - then, 0)
    return next((f"{seconds / unit:.0f} {name}" for unit, name in _UNITS if seconds >= 2 * unit), f"{seconds:.0f} s")
