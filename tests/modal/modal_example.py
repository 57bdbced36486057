"""An App with all that the control plane has to cope with."""

import os
import time
from pathlib import Path
from typing import Any

import modal

app = modal.App("example")
volume = modal.Volume.from_name("example", create_if_missing=True)
image = modal.Image.debian_slim().env({"EXAMPLE_VOLUME": "/volume"})
secret = modal.Secret.from_dict({"EXAMPLE_SECRET": "hush"})


class Unkind(Exception):
    """An error that cannot be made anew from its arguments, and is not known where it arrives."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@app.function(image=image, volumes={"/volume": volume}, secrets=[secret])
def act(what: str, value: Any = None) -> Any:
    """One function for everything, so that one container is enough for many tests."""
    folder = Path(os.environ["EXAMPLE_VOLUME"])
    match what:
        case "write" | "commit":
            (folder / value).write_text(value)
            if what == "commit":
                volume.commit()
        case "append":  # one line for every time that it runs
            with (folder / value).open("a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(0.5)
            volume.commit()
        case "sleep":
            time.sleep(value)
        case "fail":
            raise ValueError(value)
        case "fail unkindly":
            raise Unkind(1, 2)
        case "environment":
            return dict(os.environ)
        case "import":
            return __import__(value).__name__
        case "pid":
            return os.getpid()
    return value
