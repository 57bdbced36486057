"""The training arrays of one split, in memory and on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int8, Int64

from forge_core.errors import DamagedFile, EmptySplit
from forge_core.files import check_sums
from forge_core.shards.split import Split
from forge_core.tokens.manifest import MANIFEST, read_manifest
from forge_core.tokens.vocabulary import N_FEATURES, N_SLOTS, N_TOKENS, Feature

_DRAW = 2
"""What the random stream of `draw` is for; with the seed it is the stream's key. Others: `learn.batches.Purpose`."""


@dataclass(frozen=True, slots=True)
class TokenArrays:
    """n samples: states as their movers see them, and what exact play makes of them.

    tokens       features of the 32 tokens (see the vocabulary)
    mask         which tokens are there
    legal        which of the mover's slots may be played
    q            points to go after playing each slot, mover's view; -128 = illegal
    v            points to go, mover's view: the best legal q
    best         the slots whose q is v
    plays_left   28 before the first play, at least 1
    declaration  0-9
    seed         of the deal that the state comes from
    """

    tokens: Int8[np.ndarray, "n 32 9"]
    mask: Bool[np.ndarray, "n 32"]
    legal: Bool[np.ndarray, "n 7"]
    q: Int8[np.ndarray, "n 7"]
    v: Int8[np.ndarray, "n"]
    best: Bool[np.ndarray, "n 7"]
    plays_left: Int8[np.ndarray, "n"]
    declaration: Int8[np.ndarray, "n"]
    seed: Int64[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.seed)

    def of(self, rows: Int64[np.ndarray, "m"]) -> "TokenArrays":
        """The samples in the given rows."""
        return TokenArrays(**{name: getattr(self, name)[rows] for name in FIELDS})


def joined(parts: Sequence[TokenArrays]) -> TokenArrays:
    """The samples of several arrays, one after the other."""
    return TokenArrays(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS})


def draw(arrays: TokenArrays, n: int | None, seed: int) -> TokenArrays:
    """At most n of the samples, drawn uniformly and kept in their order; all of them where n is None."""
    if n is None or n >= len(arrays):
        return arrays
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, _DRAW])))
    return arrays.of(np.sort(random.choice(len(arrays), n, replace=False)))


FIELDS: dict[str, tuple[np.dtype, tuple[int, ...]]] = {
    "tokens": (np.dtype(np.int8), (N_TOKENS, N_FEATURES)),
    "mask": (np.dtype(np.bool_), (N_TOKENS,)),
    "legal": (np.dtype(np.bool_), (N_SLOTS,)),
    "q": (np.dtype(np.int8), (N_SLOTS,)),
    "v": (np.dtype(np.int8), ()),
    "best": (np.dtype(np.bool_), (N_SLOTS,)),
    "plays_left": (np.dtype(np.int8), ()),
    "declaration": (np.dtype(np.int8), ()),
    "seed": (np.dtype(np.int64), ()),
}
"""Name of a field, so of its file `<name>.npy`, -> dtype and shape of a row."""


def load_split(folder: Path, split: Split, *, memory_map: bool = False) -> TokenArrays:
    """The arrays of one split of a token folder: in RAM, or mapped from the files.

    What is read into RAM is compared with the folder's SHA256SUMS, if it has one. Of mapped files, which may be larger
    than RAM, only the heads are looked at: the commands compare them when they take a folder (`foreign_source`). The
    tokens of a folder of format version 1 get the features of today, in RAM.

    Raises InputError when there is no token folder, SchemaMismatch for another format version, EmptySplit when the
    split has no sample, DamagedFile when a file is missing, truncated, of another shape than the manifest says, or not
    what SHA256SUMS says.
    """
    manifest = read_manifest(folder)
    rows = manifest.samples[split]
    if rows == 0:
        raise EmptySplit.of(
            got=f"no samples in the split {split.value!r} of {folder}",
            expected="at least one",
            remedy="generate shards whose seeds belong to it (seed % 1000: 0-899 train, 900-949 val, 950-999 test) "
            "and tokenize again",
        )
    if not memory_map:
        check_sums(folder, [MANIFEST, *(f"{split}/{name}.npy" for name in FIELDS)])
    first = manifest.format_version == 1
    rows_of = FIELDS | {"tokens": (np.dtype(np.int8), (N_TOKENS, _N_FEATURES_1))} if first else FIELDS
    arrays = {
        name: _load(folder / split / f"{name}.npy", dtype, (rows, *row), memory_map=memory_map)
        for name, (dtype, row) in rows_of.items()
    }
    if first:
        arrays["tokens"] = _from_version_1(arrays["tokens"])
    return TokenArrays(**arrays)


_N_FEATURES_1 = 12
_LIKE_NOW_1 = 4
"""In format version 1: the first features are high pip, low pip, double and count class; the others are as now."""


def _from_version_1(tokens: Int8[np.ndarray, "n 32 12"]) -> Int8[np.ndarray, "n 32 9"]:
    high, low = tokens[..., 0], tokens[..., 1]
    now = np.empty((*tokens.shape[:2], N_FEATURES), np.int8)
    now[..., Feature.DOMINO] = high * (high + 1) // 2 + low
    now[..., Feature.DOMINO + 1 :] = tokens[..., _LIKE_NOW_1:]
    return now


def _load(path: Path, dtype: np.dtype, shape: tuple[int, ...], *, memory_map: bool) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r" if memory_map else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise _damaged(path, str(problem), shape[0]) from problem
    if array.dtype != dtype or array.shape != shape:
        raise _damaged(path, f"it holds {array.dtype}{list(array.shape)}", shape[0])
    return array


def _damaged(path: Path, problem: str, rows: int) -> DamagedFile:
    return DamagedFile.of(
        got=f"{path}, which is not what its manifest says ({problem})",
        expected=f"{rows} rows as they were written",
        remedy="tokenize again into an empty folder",
    )
