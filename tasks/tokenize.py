"""The stage `tokenize`: turn shards into training arrays."""

from collections.abc import Sequence
from pathlib import Path

from forge_core.tokens.settings import TokenSettings
from tasks.stage import Context, Details, Stage


def run(context: Context, folder: Path, settings: TokenSettings, inputs: Sequence[Path]) -> Details:
    """Write {train,val,test}/*.npy and the manifest, from all shards of the input folders."""
    from forge_core.tokens.dataset import tokenize

    done = 0

    def on_progress(samples: int) -> None:
        nonlocal done
        advance(samples - done)
        done = samples

    with context.progress("tokenizing", None) as advance:
        tokenize(list(inputs), folder, settings, threads=context.threads, on_progress=on_progress)
    return {}


STAGE = Stage(name="tokenize", settings=TokenSettings, kind="tokens", run=run)
