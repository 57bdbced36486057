"""The step with which a worker begins every run of a deployment."""

import os
from pathlib import Path


def use_checkout() -> dict[str, str]:
    """Go to the checkout that the worker runs from, wherever that is: every machine has its own."""
    folder = Path(__file__).parents[1]
    os.chdir(folder)
    return {"directory": str(folder)}
