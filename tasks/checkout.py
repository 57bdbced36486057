"""Put artifacts where a person asked for them."""

import logging
from pathlib import Path

from configs.installation import Installation
from forge_core.artifacts.reference import Reference
from tasks.run import stage_task, store

logger = logging.getLogger(__name__)


def checkout(reference: Reference, folder: Path | None) -> None:
    """The files of an object in a folder, if one is asked for: links to the store's where the file system allows it."""
    if folder is not None:
        _checkout(reference, folder)


@stage_task(name="checkout")
def _checkout(reference: Reference, folder: Path) -> None:
    store().checkout(reference, Installation().place(folder))
    logger.info("%-12s %d files in %s", "checkout", reference.files, folder)
