"""What the documentation site does to a page: a link to a file outside docs/ becomes that file's name."""

import re
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for every page."""
    return re.sub(r"\[([^\]]*)\]\((?:\.\./)+((?:bench|models|deployments|flows|tests)/[^)]+)\)", r"\1 (`\2`)", markdown)
