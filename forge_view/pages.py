"""Pages of the Prefect UI: what a run made, in numbers, pictures and links, as markdown artifacts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from prefect.artifacts import Artifact, create_markdown_artifact

from forge_core.artifacts.reference import Reference

Rows = Sequence[Sequence[str]]


def key_of(reference: Reference) -> str:
    """The name of an object's page: the same in every run that made or used it, so that the UI lists these runs."""
    return reference.short.replace(" ", "-")


def link_to(reference: Reference) -> str:
    """A link to an object's page."""
    return f"[{reference.short}](/artifacts/key/{key_of(reference)})"


def named(where: Reference | Path) -> str:
    """A link to an object's page, or the path of what lies outside the store."""
    return link_to(where) if isinstance(where, Reference) else f"`{where}`"


def links(run: str | None, tokens: Reference | Path | None) -> str:
    """Where else to look: the address of a training's MLflow run, once it is known, and what is learned from."""
    dataset = [] if tokens is None else [f"dataset {named(tokens)}"]
    return " · ".join([*([f"[MLflow run]({run})"] if run else []), *dataset])


def page(title: str, rows: Rows, *more: str, columns: Sequence[str] = ("", "")) -> str:
    """A title, a table (with column names, the numbers stand to the right), and what else there is to show."""
    places = [":---", *(("---:" if any(columns) else ":---") for _ in columns[1:])]
    table = "\n".join(f"| {' | '.join(line)} |" for line in (columns, places, *rows))
    return "\n\n".join(part for part in (f"# {title}", table if rows else "", *more) if part)


def publish(key: str, markdown: str, description: str) -> None:
    """Show a page among those of the run that is under way."""
    create_markdown_artifact(markdown, key=key, description=description)


def published(key: str) -> str | None:
    """What was last shown under a name on this server, as markdown; None when nothing was."""
    found = cast(Any, Artifact).get(key, _sync=True)
    return None if found is None else str(found.data)
