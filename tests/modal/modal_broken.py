"""An App whose module needs something that is not in its image: it works where it is deployed, and nowhere else."""

import modal

import forge_core

app = modal.App("broken")


@app.function(image=modal.Image.debian_slim())
def version() -> str:
    return forge_core.__name__


@app.function(image=modal.Image.debian_slim().add_local_python_source("forge_core"))
def whole() -> str:
    return forge_core.__name__
