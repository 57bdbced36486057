"""What torch and Lightning say of themselves that a user can do nothing about."""

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def suppress_warnings(*loggers: str) -> Generator[None]:
    """Keeps the named loggers to errors, and the deprecation of LeafSpec to itself.

    torch 2.13 deprecates a class that it still copies in its own exporter and that Lightning 2.6 makes wherever it
    looks at a batch: no caller can avoid either.
    """
    levels = {name: logging.getLogger(name).level for name in loggers}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
