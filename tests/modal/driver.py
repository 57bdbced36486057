"""A process that drives a run of sleeping inputs on the control plane, to be interrupted: `python driver.py`."""

import modal

from configs.modal import Place
from tasks.remote.dispatch import Dispatch, Input
from tasks.remote.guard import guarded
from tasks.remote.journal import Journal
from tasks.remote.meter import Meter
from tasks.remote.running import run


async def drive() -> None:
    place = Place(max_containers=2)
    journal = Journal.begin("test", gpu=None, function="work", inputs=8)
    inputs = [Input(f"b{number}", {"block": f"b{number}", "sleep": 60}) for number in range(8)]
    function = modal.Function.from_name("dispatch", "work")
    with guarded(journal.path):
        await Dispatch(function, journal, place, Meter(0.0, 2), lambda *_: None).run(inputs)


if __name__ == "__main__":
    run(drive())
