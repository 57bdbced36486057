"""The pictures of the documents are what their script draws."""

import importlib.util
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "pictures.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["what-to-lead.svg", "a-game.svg"])
def test_a_picture_is_what_the_script_draws(name: str, script: ModuleType) -> None:
    assert (script.IMAGES / name).read_text("utf-8") == script.PICTURES[name](), "run docs/pictures.py"


def test_a_poster_can_be_drawn_of_the_present_records(script: ModuleType) -> None:
    """The one of the documents bears the date of its records; newer records do not make it wrong."""
    texts = [
        each.text or "" for each in ElementTree.fromstring(script.poster()).iter("{http://www.w3.org/2000/svg}text")
    ]
    there = (script.IMAGES / "poster.svg").read_text("utf-8")
    described = [words for words in texts if not any(sign.isdigit() for sign in words)]
    assert len(described) >= 14
    assert all(words in there for words in described)
