"""The table as a folder that any web server can serve: the page, the rules as tables, and a network if there is one."""

import json
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

from forge_core.files import copy, sha256_of, write_bytes, write_text
from forge_core.rules import BIDS, DOMINOES, Declaration, count_points, declaration_name, domino_name
from forge_core.rules.tables import FOLLOWS, LED_SUIT, RANK
from forge_view.table.runtime import FILES

PAGE = (
    *("index.html", "table.css", "page.js", "domino.js", "auction.js"),
    *("worker.js", "player.js", "view.js", "search.js", "game.js", "network.js", "encode.js"),
)
RULES, PLAYERS, MODEL, RUNTIME = "rules.json", "players.json", "seat.onnx", "ort"


@dataclass(frozen=True, slots=True)
class TableNetwork:
    """A seat network that plays at the table.

    name     as the page calls it
    model    its ONNX file
    runtime  the folder with the files of onnxruntime-web
    """

    name: str
    model: Path
    runtime: Path


def write_table(output: Path, network: TableNetwork | str) -> None:
    """Write the table into the folder `output`, files that are there already included.

    network  the one that plays; or why there is none, which the page tells
    """
    for name in PAGE:
        write_bytes(output / name, (files("forge_view.table") / name).read_bytes())
    write_text(output / RULES, json.dumps(rules()))
    if isinstance(network, str):
        players = {"network": None, "missing": network}
    else:
        for name in FILES:
            copy(network.runtime / name, output / RUNTIME / name)
        copy(network.model, output / MODEL)
        about = {"name": network.name, "model": MODEL, "sha256": sha256_of(output / MODEL)}
        players = {"network": about, "missing": None}
    write_text(output / PLAYERS, json.dumps(players))


def rules() -> dict[str, object]:
    """What a page knows of the game: tables of the rules, so that it has none of its own.

    Tables are indexed by declaration, then by domino; `rank` by declaration, suit and domino;
    `follows` has a bit a suit.
    """
    return {
        "declarations": [declaration_name(each) for each in Declaration],
        "dominoes": [domino_name(each) for each in DOMINOES],
        "points": [count_points(each) for each in DOMINOES],
        "bids": [{"points": bid.points, "marks": bid.marks} for bid in BIDS],
        "leads": LED_SUIT,
        "follows": [
            [sum(follow[domino] << suit for suit, follow in enumerate(suits)) for domino in DOMINOES]
            for suits in FOLLOWS
        ],
        "rank": RANK,
    }


class _Files(SimpleHTTPRequestHandler):
    """Files with the types that browsers insist on for modules and WebAssembly, and without a line for each of them."""

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def parse_request(self) -> bool:
        """Read a request; refused are those of foreign pages, and to foreign names (DNS rebinding)."""
        if not super().parse_request():
            return False
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if host.partition(":")[0].lower() not in ("127.0.0.1", "localhost"):
            self.send_error(400, "This server is not known by that name")
        elif origin not in (None, f"http://{host}"):
            self.send_error(403, "Pages of another origin may not use this server")
        else:
            return True
        return False

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A web server of this machine alone for a folder; port 0 = any free one. It serves once it is told to."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Files, directory=str(folder)))
