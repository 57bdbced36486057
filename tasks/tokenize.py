"""Turn shards into training arrays."""

from collections.abc import Sequence
from pathlib import Path

from configs.installation import Installation
from forge_core.artifacts.reference import Reference
from forge_core.errors import InputError
from forge_core.tokens.settings import TokenSettings
from tasks.console import progress
from tasks.stage import artifact, source, stage_task


@stage_task(name="tokenize")
def tokenize(shards: Sequence[Reference | Path], settings: TokenSettings) -> Reference:
    """The tokens of all shards in the folders and objects given."""
    sources = [source(where) for where in shards]
    outside = [digest for (_, digest), where in zip(sources, shards, strict=True) if isinstance(where, Path)]

    def make(folder: Path) -> None:
        from forge_core.tokens.dataset import tokenize

        done = 0

        def on_progress(samples: int) -> None:
            nonlocal done
            advance(samples - done)
            done = samples

        with progress("tokenizing", None) as advance:
            tokenize(
                [path for path, _ in sources],
                folder,
                settings,
                threads=Installation().thread_count(),
                on_progress=on_progress,
            )
        if [source(where).digest for where in shards if isinstance(where, Path)] != outside:
            raise InputError.of(
                got="a folder of shards that changed while it was being read",
                expected="a folder to which nobody adds shards meanwhile: the arrays are known by what it holds",
                remedy="run the same again",
            )

    return artifact(
        "tokenize",
        make,
        kind="tokens",
        code=["forge_core.tokens.dataset"],
        settings={"tokens": settings},
        inputs=[digest for _, digest in sources],
    )
