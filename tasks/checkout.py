"""Put artifacts where a person asked for them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from configs.installation import Installation
from forge_core.artifacts.reference import Reference
from tasks.run import stage_task, store

logger = logging.getLogger(__name__)


@stage_task(name="checkout")
def checkout(references: Sequence[Reference], folder: Path) -> None:
    """The files of all objects in one folder, hard links to the store's where the file system allows it."""
    for reference in references:
        store().checkout(reference, Installation().place(folder))
    logger.info("%-12s %d files in %s", "checkout", sum(reference.files for reference in references), folder)
