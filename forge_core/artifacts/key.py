"""The cache key of an artifact: everything that decides what a stage computes, and nothing else."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from forge_core.artifacts.reference import Reference
from forge_core.files import sha256_of


class Key(BaseModel):
    """What an artifact was, or will be, made from; equal keys mean equal artifacts.

    No paths, times, thread counts or devices: they do not decide the result. A store keeps the key beside the
    reference (`Entry`), so a key is an artifact's provenance too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str = Field(description="The stage that makes the artifact.")
    code: str = Field(description="Fingerprint of the code that computes it.")
    settings: Mapping[str, Any] = Field(description="The stage's resolved settings, JSON values only.")
    inputs: tuple[str, ...] = Field(description="Digests of what it is made from, in order.")

    @property
    def digest(self) -> str:
        """SHA-256 of the key as JSON with sorted names, in hexadecimal."""
        return sha256_of(json.dumps(self.model_dump(mode="json"), sort_keys=True))


class Entry(BaseModel):
    """A key and the object it led to, as a store keeps them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Key
    reference: Reference


def make_key(stage: str, *, code: str, settings: Mapping[str, Any], inputs: Sequence[str] = ()) -> Key:
    """The key of a stage; settings models become their JSON values, defaults included."""
    return Key(stage=stage, code=code, settings=to_jsonable_python(dict(settings)), inputs=tuple(inputs))
