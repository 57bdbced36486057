"""What crosses a task boundary instead of data: the name of an object in the store."""

from pydantic import BaseModel, ConfigDict, Field


class Reference(BaseModel):
    """An object of the store, named by its content: the same files give the same reference on every machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(
        description="What the object is: shards, tokens, model, evaluation, onnx, games, contracts, bids or seat."
    )
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 over the listing of its files, in hexadecimal.")
    size: int = Field(ge=0, description="Bytes of all its files together.")
    files: int = Field(ge=0, description="How many files it has.")

    @property
    def short(self) -> str:
        """The kind and the first twelve digits of the digest, for people."""
        return f"{self.kind} {self.digest[:12]}"
