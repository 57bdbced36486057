"""Where flows run stages: here with what this installation has, or on Modal."""

import importlib.util

from configs.installation import Installation
from configs.modal import Place
from forge_core.errors import InputError
from forge_view.console import console, progress
from forge_view.training_page import training_page
from tasks.devices import ONE_DEVICE, DeviceName, Hardware
from tasks.here import Here
from tasks.limits import one_gpu
from tasks.stage import Context, Executor


def executor_for(
    on: Place | None = None, *, device: DeviceName = "auto", hardware: Hardware = ONE_DEVICE, items: int | None = None
) -> Executor:
    """The executor of a flow run; a flow makes one and hands it on.

    Args:
        on: where on Modal stages run, and for how much; None = here.
        device: where deals are solved here.
        hardware: how many devices train a network here.
        items: how many deals or games the flow makes at most, if it makes them slice by slice.

    Raises:
        InputError: for Modal without its client, or with several devices.
    """
    context = Context(
        threads=Installation().thread_count(),
        device=device,
        hardware=hardware,
        hold_gpu=one_gpu,
        progress=progress,
        console=console(),
        training_page=training_page,
    )
    if on is None:
        return Here(context)
    if hardware != ONE_DEVICE:
        raise InputError.of(
            got=f"{hardware.devices} devices with the strategy {hardware.strategy}, on Modal",
            expected="one device, which is what a container has",
            remedy="leave out --devices and --strategy, or --on",
        )
    if importlib.util.find_spec("modal") is None:
        raise InputError.of(
            got=f"{on.name}, but no Modal client in this environment",
            expected="the extra `modal`",
            remedy="install it with: pip install 'crystal-forge[modal]'",
        )
    from tasks.remote.executor import ModalExecutor

    return ModalExecutor(on, context, items=items)
