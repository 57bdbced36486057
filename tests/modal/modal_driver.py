"""A program that uses Modal in one of several ways, to be sent signals: `modal_driver.py run|remote|spawn|wait`."""

import sys

import modal
from modal_example import act, app


def main(way: str) -> None:
    deployed = modal.Function.from_name("example", "act")
    if way == "run":
        with app.run():
            act.remote("sleep", 60)
        sys.stdout.write("after the block\n")
    elif way == "remote":
        deployed.remote("sleep", 60)
    elif way == "spawn":
        deployed.spawn("sleep", 60).get()
    else:
        where = modal.App.lookup("sandboxes", create_if_missing=True)
        modal.Sandbox.create("sleep", "60", app=where, image=modal.Image.debian_slim()).wait()


if __name__ == "__main__":
    main(sys.argv[1])
