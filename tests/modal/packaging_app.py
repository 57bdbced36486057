"""An App with an image like ours, and with one that a room was left out of."""

import modal

from deployments import images

app = modal.App("packaging")


@app.function(image=images.with_code(modal.Image.debian_slim()))
def complete() -> list[str]:
    """Everything that lies beside the modules is there, too."""

    import deployments.modal_app
    import forge_core.solver.gpu

    return [deployments.modal_app.__file__, forge_core.solver.gpu.SOURCE.read_text()[:2]]


@app.function(image=modal.Image.debian_slim().add_local_python_source("configs", "deployments"))
def without_forge_core() -> None:
    import forge_core.errors  # noqa: F401
