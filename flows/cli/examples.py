"""Examples at the end of a command's help, and what plain `forge` says where nothing has been made yet."""

from typing import Final

import typer

_HAND: Final = '"6-6,6-5,6-4,6-2,5-5,4-4,1-0"'
EXAMPLES: Final = {
    "solve": ("forge solve --seed 0 --declaration sixes", f"forge solve --hand {_HAND} --declaration sixes --json"),
    "advise": (
        f"forge advise --declaration sixes --hand {_HAND} --bid 34",
        'forge advise --declaration sixes --hand "6-5,6-4,5-5,4-4,3-3,2-0,1-0" --seat 1 --plays 6-6',
    ),
    "bid": (f"forge bid --hand {_HAND}", f'forge bid --hand {_HAND} --bids "30,pass" --score 3-5 --poster hand.pdf'),
    "bid why": (f"forge bid why --hand {_HAND} --declaration sixes",),
    "bid generate": ("forge bid generate --count 10 --output bids",),
    "arena": ("forge arena pimc:worlds=50 highest --deals 100", "forge arena pimc:worlds=50 model:champion,worlds=10"),
    "generate": ("forge generate --count 10 --output shards", "forge generate --count 1000 --output shards --dry-run"),
    "backfill": ("forge backfill --end 1000", "forge backfill --end 1000 --make games --limit 10"),
    "tokenize": ("forge tokenize --input shards --output tokens",),
    "train": ("forge train --fast-dev-run", "forge train --data tokens --output model --set epochs=5"),
    "evaluate": ("forge evaluate --checkpoint champion --quick",),
    "promote": ("forge promote model --quick",),
    "export": ("forge export --checkpoint champion --output onnx",),
    "pipeline": ("forge pipeline --preset demo", "forge pipeline --preset demo --set train.epochs=6"),
    "eq generate": ("forge eq generate --count 10 --output games", "forge eq generate --count 10 --oracle champion"),
    "eq view": (
        "forge eq view games/train/seed_00000000.pt",
        "forge eq view games/train/seed_00000000.pt --html game.html",
    ),
    "eq collate": ("forge eq collate games --output games.parquet",),
    "shard show": ("forge shard show shards/train/seed_00000000_decl_0.parquet",),
    "import": ("forge import hands.json", "forge import hands.csv --output sound.json"),
    "review": ("forge review hands.json", "forge review hands.json --html page.html"),
    "publish data": ("forge publish data shards --kind shards --output published",),
    "store ls": ("forge store ls --kind model",),
    "store gc": ("forge store gc --days 30", "forge store gc --days 30 --delete"),
    "up": ("forge up", "forge up --pool cpu --detach"),
    "ui": ("forge ui", "forge ui mlflow"),
    "modal download": ("forge modal download --output shards --split train",),
}
"""Command -> commands that can be copied."""

_TRY: Final = (
    ("forge solve --seed 0 --declaration sixes", "a deal with all hands open"),
    (f"forge advise --declaration sixes --hand {_HAND} --bid 34", "what to play, seeing one hand"),
    (f"forge bid --hand {_HAND}", "what to bid"),
    ("forge doctor", "whether all is there that is needed"),
    ("forge pipeline --preset demo", "the whole chain, in minutes"),
)


def add_examples(app: typer.Typer, prefix: str = "") -> None:
    """Put the examples under the help of the commands of an app and its groups."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "")
        command.epilog = _epilog(prefix + name) or command.epilog
    for group in app.registered_groups:
        name, inner = str(group.name), group.typer_instance
        if inner is not None:
            group.epilog = _epilog(prefix + name)
            add_examples(inner, f"{prefix}{name} ")


def _epilog(command: str) -> str | None:
    lines = EXAMPLES.get(command)
    return None if lines is None else "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def welcome(home: str) -> str:
    """What to try first.

    Args:
        home: where nothing has been made yet.
    """
    tries = "\n".join(f"  {command}\n      {what}" for command, what in _TRY)
    return (
        f"Crystal Forge: Texas 42, solved and learned. Nothing has been made yet in {home}.\n\nTry:\n{tries}\n\n"
        "`forge --help` lists all commands, `forge COMMAND --help` has examples."
    )
