"""Where the inputs of a collection's blocks lie."""

from pathlib import Path

import pytest

from forge_core.artifacts.collection import INPUTS, input_mark, input_name, input_path
from forge_core.artifacts.listing import foreign_source


@pytest.mark.parametrize("name", ["tokens/manifest.json", "model.onnx", "last.ckpt", "weights"])
def test_an_input_is_found_by_its_digest_under_the_name_that_it_was_given(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("content")
    source = foreign_source(tmp_path / Path(name).parts[0])
    inputs = tmp_path / "volume" / INPUTS
    inputs.mkdir(parents=True)
    with pytest.raises(FileNotFoundError):
        input_path(tmp_path / "volume", source.digest)
    (inputs / f"{source.digest}.json").write_bytes(input_mark(source))
    found = input_path(tmp_path / "volume", source.digest)
    assert found == inputs / input_name(source)
    assert found.suffix == source.path.suffix
