"""The page as a folder that any web server can serve: page, rules, model and onnxruntime-web."""

import json
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

from deployments.browser.runtime import FILES
from forge_core.learn.inference import OnnxModel
from forge_core.rules import DOMINOES, Declaration, count_points, declaration_name, domino_name
from forge_core.rules.tables import RANK
from forge_core.tokens.domino_features import STATIC, domino_features
from forge_core.tokens.vocabulary import FIRST_HAND, FIRST_TRICK, N_FEATURES, N_TOKENS, Feature, TokenType

PAGE = ("index.html", "page.js", "game.js", "encode.js", "model.js")
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
        (output / name).write_bytes((files("deployments.browser") / name).read_bytes())
    for name in FILES:
        shutil.copyfile(runtime / name, output / RUNTIME / name)
    shutil.copyfile(model, output / MODEL)
    _write(output / RULES, rules())
    _write(output / ABOUT, {"kind": about.kind, "parameters": about.config.parameters, "digest": about.digest})


def rules() -> dict[str, object]:
    """What the page knows of game and tokens: tables of the rules and the vocabulary, so that it has none of its own.

    Tables are indexed by declaration, then by domino; `rank` by declaration, suit and domino.
    """
    table = domino_features().sort("declaration", "domino")
    by_declaration = table.partition_by("declaration", maintain_order=True)
    return {
        "declarations": [declaration_name(each) for each in Declaration],
        "dominoes": [domino_name(each) for each in DOMINOES],
        "points": [count_points(each) for each in DOMINOES],
        "static": {each.name: [part[each.name].to_list() for part in by_declaration] for each in STATIC},
        "leads": [part["leads"].to_list() for part in by_declaration],
        "follows": [part["follows"].to_list() for part in by_declaration],
        "rank": RANK,
        "feature": {each.name: each.value for each in Feature},
        "type": {each.name: each.value for each in TokenType},
        "tokens": N_TOKENS,
        "features": N_FEATURES,
        "firstHand": FIRST_HAND,
        "firstTrick": FIRST_TRICK,
    }


class _Files(SimpleHTTPRequestHandler):
    """Files with the types that browsers insist on for modules and WebAssembly, and without a line for each of them."""

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A web server of this machine alone for a folder; port 0 = any free one. It serves once it is told to."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Files, directory=str(folder)))


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), "utf-8")
