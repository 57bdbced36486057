"""What a token folder says of itself: `manifest.json`, written last."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forge_core.errors import DamagedFile, InputError, SchemaMismatch
from forge_core.shards.split import Split
from forge_core.tokens.settings import TokenSettings

FORMAT_VERSION = 2
READ_VERSIONS = (1, 2)
"""1: tokens of 12 features, with pips, double and count class instead of the domino."""

MANIFEST = "manifest.json"


class TokenManifest(BaseModel):
    """The contents of `manifest.json`.

    inputs   the shards' relative paths -> sha256 of the file
    samples  split -> how many samples it has
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    settings: TokenSettings
    inputs: dict[str, str] = Field(min_length=1)
    samples: dict[Split, int]


class _Version(BaseModel):
    format_version: int


def read_manifest(folder: Path) -> TokenManifest:
    """The manifest of a token folder. Raises InputError, DamagedFile or SchemaMismatch."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError.of(
            got=f"{folder}, which has no {MANIFEST}",
            expected="a folder that `forge tokenize` wrote",
            remedy="check the path, or tokenize shards into it",
        )
    text = path.read_text("utf-8")
    try:
        version = _Version.model_validate_json(text).format_version
        if version in READ_VERSIONS:
            return TokenManifest.model_validate_json(text)
    except ValidationError as problem:
        raise DamagedFile.of(
            got=f"{path}, which cannot be read ({problem.errors()[0]['msg']})",
            expected=f"a manifest of format version {' or '.join(map(str, READ_VERSIONS))}",
            remedy="tokenize again into an empty folder",
        ) from problem
    raise SchemaMismatch.of(
        got=f"{path} of format version {version}",
        expected=f"format version {' or '.join(map(str, READ_VERSIONS))}",
        remedy="tokenize the shards again",
    )
