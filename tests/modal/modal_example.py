"""An App that does all that the control plane has to cope with."""

import os
import time
from pathlib import Path

import modal

app = modal.App("example")
volume = modal.Volume.from_name("example", create_if_missing=True)
image = modal.Image.debian_slim().env({"EXAMPLE_VOLUME": "/volume"})


@app.function(image=image, volumes={"/volume": volume})
def square(number: int) -> int:
    """Writes its result to the Volume, too."""
    (Path(os.environ["EXAMPLE_VOLUME"]) / f"{number}.txt").write_text(str(number**2))
    volume.commit()
    return number**2


@app.function(image=image)
def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds
