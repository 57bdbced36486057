"""The page as a folder that any web server can serve: page, rules, model and onnxruntime-web."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

from forge_core.learn.model import OnnxModel
from forge_core.tokens.domino_features import STATIC, domino_features
from forge_core.tokens.vocabulary import FIRST_HAND, FIRST_TRICK, N_FEATURES, N_TOKENS, Feature, TokenType
from forge_view.table import site as table
from forge_view.table.runtime import FILES

PAGE = ("index.html", "page.js", "game.js", "encode.js", "model.js")
SHARED = "game.js"
"""The part of the page that the table has, too."""
RULES, MODEL, ABOUT, RUNTIME = "rules.json", "model.onnx", "model.json", "ort"


def write_site(model: Path, output: Path, runtime: Path) -> None:
    """Write the page into the folder `output`, files that are there already included.

    model    a file of `forge export`
    runtime  the folder with the files of onnxruntime-web

    Raises ModelError when `model` is no exported model.
    """
    about = OnnxModel(model)
    (output / RUNTIME).mkdir(parents=True, exist_ok=True)
    for name in PAGE:
        (output / name).write_bytes(
            (files("forge_view.table" if name == SHARED else "deployments.browser") / name).read_bytes()
        )
    for name in FILES:
        shutil.copyfile(runtime / name, output / RUNTIME / name)
    shutil.copyfile(model, output / MODEL)
    _write(output / RULES, rules())
    _write(output / ABOUT, {"kind": about.kind, "parameters": about.config.parameters, "digest": about.digest})


def rules() -> dict[str, object]:
    """What the page knows of game and tokens: tables of rules and vocabulary, so that it has none of its own."""
    features = domino_features().sort("declaration", "domino")
    by_declaration = features.partition_by("declaration", maintain_order=True)
    return table.rules() | {
        "static": {each.name: [part[each.name].to_list() for part in by_declaration] for each in STATIC},
        "feature": {each.name: each.value for each in Feature},
        "type": {each.name: each.value for each in TokenType},
        "tokens": N_TOKENS,
        "features": N_FEATURES,
        "firstHand": FIRST_HAND,
        "firstTrick": FIRST_TRICK,
    }


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), "utf-8")
