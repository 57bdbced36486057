"""The README card of a published data set, as the Hugging Face hub reads it."""

import json
from typing import TYPE_CHECKING, Any

from forge_core.publish.sources import Source

if TYPE_CHECKING:
    from forge_core.publish.folder import Published

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
          (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"))  # fmt: skip


def card(published: "Published", source: Source, made: dict[str, Any], licence: str) -> str:
    """The text of README.md.

    Args:
        published: what was written.
        source: what it was written from.
        made: how it was made, as JSON.
        licence: by its SPDX identifier.
    """
    splits = published.splits
    total = sum(count.rows for count in splits.values())
    size = next((name for below, name in _SIZES if total < below), "n>1B")
    files = "\n".join(f"  - split: {split}\n    path: data/{split}.parquet" for split in splits)
    counts = "\n".join(f"| {split} | {n.rows:,} | {n.seeds:,} | {n.bytes:,} |" for split, n in splits.items())
    types = {field.name: str(field.type) for field in published.schema}
    columns = "\n".join(f"| `{name}` | {types[name]} | {meaning} |" for name, meaning in source.meanings.items())
    return f"""---
license: {json.dumps(licence)}
pretty_name: {json.dumps(published.title)}
tags: [texas-42, dominoes, games, imperfect-information]
size_categories: ["{size}"]
configs:
- config_name: default
  data_files:
{files}
---
# {published.title}

Texas 42 is a four-player partnership trick game with dominoes. Each row is {source.row}.

Values: {source.values}.

| split | rows | seeds | bytes |
|---|---|---|---|
{counts}

No seed is in two splits. Choose by val, report on test.

| column | type | meaning |
|---|---|---|
{columns}

## How it was made

```json
{json.dumps(made, indent=1)}
```

## Open it

```python
import polars as pl
from datasets import load_dataset

rows = load_dataset(".", split="{next(iter(splits))}")
frame = pl.read_parquet("data/{next(iter(splits))}.parquet")
```

`sha256sum -c SHA256SUMS` checks the files. Licence: {licence}.
"""
