"""The Croissant file (mlcommons.org/croissant) of a published data set, checked by mlcroissant, which makes it."""

# the extra `publish` need not be installed where types are checked
# pyright: reportMissingImports=false

import datetime
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from forge_core.errors import InputError
from forge_core.files import sha256_of
from forge_core.publish.sources import Source

if TYPE_CHECKING:
    from forge_core.publish.folder import About, Published


def write_croissant(folder: Path, path: Path, published: "Published", source: Source, about: "About") -> None:
    """Describe the Parquet files of a folder and their columns, and let mlcroissant check what it says.

    Args:
        folder: with data/<split>.parquet.
        path: the file to write, in that folder.
        published: the splits and columns.
        source: what the columns mean.
        about: licence and address.

    Raises:
        InputError: mlcroissant is not installed, or refuses a text of `about`.
    """
    try:
        import mlcroissant as mlc
    except ModuleNotFoundError as error:
        raise InputError.of(
            got="no mlcroissant in this environment",
            expected="the extra `publish`",
            remedy="install it with: pip install -c constraints.txt -e '.[publish]'",
        ) from error
    files, records = [], []
    for split in published.splits:
        file = folder / "data" / f"{split}.parquet"
        files.append(
            mlc.FileObject(
                id=file.name,
                name=file.name,
                content_url=f"data/{file.name}",
                content_size=f"{file.stat().st_size} B",
                encoding_formats=["application/x-parquet"],
                sha256=sha256_of(file),
            )
        )
        fields = [
            mlc.Field(
                id=f"{split}/{name}",
                name=name,
                description=meaning,
                source=mlc.Source(file_object=file.name, extract=mlc.Extract(column=name)),
                **_type(published.schema.field(name).type, mlc.DataType),
            )
            for name, meaning in source.meanings.items()
        ]
        records.append(mlc.RecordSet(id=str(split), name=str(split), description=source.row, fields=fields))
    try:
        metadata = mlc.Metadata(
            name=published.title,
            description=f"Each row is {source.row}. Values: {source.values}.",
            license=[about.license],
            url=about.url,
            version=version("crystal-forge"),
            cite_as=f"{published.title}. Made by Crystal Forge {version('crystal-forge')}.",
            date_published=datetime.datetime.now(datetime.UTC),
            distribution=files,
            record_sets=records,
        )
        path.write_text(json.dumps(metadata.to_json(), indent=1, default=str) + "\n", "utf-8")
        mlc.Dataset(jsonld=path)
    except mlc.ValidationError as error:
        raise InputError.of(
            got=f"a description that mlcroissant refuses: {error}", expected="a title, a licence and an address",
            remedy="correct --title, --license or --url",
        ) from error  # fmt: skip


def _type(arrow: pa.DataType, types: Any) -> dict[str, Any]:
    """The type of a Croissant field: its scalars, and the shape of an array (-1 = any length)."""
    shape: list[int] = []
    while isinstance(arrow, pa.FixedSizeListType | pa.ListType | pa.LargeListType):
        shape.append(arrow.list_size if isinstance(arrow, pa.FixedSizeListType) else -1)
        arrow = arrow.value_type
    if pa.types.is_boolean(arrow):
        scalar = types.BOOL
    elif pa.types.is_floating(arrow):
        scalar = types.FLOAT
    else:
        scalar = types.INTEGER if pa.types.is_integer(arrow) else types.TEXT
    shaped = {"is_array": True, "array_shape": ",".join(map(str, shape))} if shape else {}
    return {"data_types": scalar, **shaped}
