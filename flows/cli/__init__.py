"""The command line `forge`.

Everything heavy is imported inside the commands, so that `forge --help` and a mistyped option answer at once.
Exit codes: 0 done, 1 failed, 2 bad usage.
"""

import gc
import io
import os
import sys

import typer

from configs import kernels
from configs.environment import proxies
from flows.cli import (
    advise,
    arena,
    backfill,
    bid,
    config,
    eq,
    generate,
    modal,
    models,
    pipeline,
    publish,
    review,
    services,
    shard,
    solve,
    store,
    table,
    tokenize,
    train,
)
from flows.cli.errors import ForgeGroup
from flows.cli.examples import add_examples
from flows.cli.options import describe_settings

app = typer.Typer(
    name="forge",
    cls=ForgeGroup,
    help="Crystal Forge: exact Texas 42 data, networks that imitate it, and E[Q] games.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
solve.add_to(app)
table.add_to(app)
advise.add_to(app)
arena.add_to(app)
generate.add_to(app)
backfill.add_to(app)
tokenize.add_to(app)
train.add_to(app)
models.add_to(app)
pipeline.add_to(app)
app.add_typer(bid.app, name="bid")
app.add_typer(eq.app, name="eq")
app.add_typer(shard.app, name="shard")
app.add_typer(publish.app, name="publish")
app.add_typer(modal.app, name="modal")
app.add_typer(store.app, name="store")
services.add_to(app)
review.add_to(app)
config.add_to(app)
add_examples(app)
describe_settings(app)


def main() -> None:
    """Run the command line; nothing calls home, onnxruntime included, and this machine is reached without a proxy.

    What the terminal's encoding lacks is written as an escape: results are not lost for a character.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.environ.update(proxies(os.environ))
    os.environ.update(kernels.place(os.environ))
    try:
        app()
    finally:
        gc.freeze()  # Python's last collection would walk all that torch and MLflow have made, for seconds
