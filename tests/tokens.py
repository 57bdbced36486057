"""A token folder as format version 1 had it: pips in place of dominoes."""

from pathlib import Path

import numpy as np

from forge_core.rules import count_points, is_double, pips
from forge_core.shards.split import Split
from forge_core.tokens.vocabulary import CONTEXT, Feature


def as_format_1(folder: Path) -> None:
    """Rewrite a token folder in format version 1, to the byte as it was written then."""
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format_version": 2', '"format_version": 1'))
    kinds = np.array([(*pips(domino), is_double(domino), count_points(domino) // 5) for domino in range(28)], np.int8)
    for split in Split:
        tokens, mask = (np.load(folder / split / f"{name}.npy") for name in ("tokens", "mask"))
        told = kinds[tokens[..., Feature.DOMINO]]
        told[~mask] = 0
        told[:, CONTEXT] = 0
        np.save(folder / split / "tokens.npy", np.concatenate((told, tokens[..., Feature.TRUMP_RANK :]), axis=2))
