"""Players by text: a kind, and after a colon its settings, as in "pimc:worlds=50,objective=make"."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forge_core.errors import InputError
from forge_core.expected_q.oracle import Oracle
from forge_core.players.command import command_player
from forge_core.players.decisions import AnyPlayer
from forge_core.players.level1 import Level1Player, Level1Settings
from forge_core.players.pimc import CheatPlayer, PimcPlayer, PimcSettings, exact_pimc
from forge_core.players.simple import HighestPlayer, RandomPlayer

S = TypeVar("S", bound=BaseModel)

_SEAT = "seat:"


@dataclass(frozen=True, slots=True)
class Means:
    """What players are made with.

    threads   that a player may use; 0 = all cores
    seconds   that a foreign program may take for a decision
    memory    bytes of address space that it may use
    oracle    opens a network by the name of a model, a folder or a file; None where no network is at hand
    seat      makes the player of a text "seat:NAME", "rollout:..." or "weighted:..." (`forge_core.seat`), given the
              threads that it may use; None where no network is at hand
    """

    threads: int = 0
    oracle: Callable[[str], Oracle] | None = None
    seat: Callable[[str, int], AnyPlayer] | None = None
    seconds: float = 60.0
    memory: int = 4 << 30


class SimpleSettings(BaseModel):
    """Of players without a thought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="Players of different seeds draw differently.")


def make_player(text: str, means: Means | None = None) -> AnyPlayer:
    """The player of a text. InputError for a kind or a setting that does not exist."""
    kind, _, rest = text.strip().partition(":")
    if kind not in _MAKERS:
        raise InputError.of(
            got=f"the player {text!r}",
            expected="one of " + ", ".join(PLAYER_FORMS),
            remedy="choose one of these kinds",
        )
    return _MAKERS[kind](text.strip(), rest, means or Means(threads=os.cpu_count() or 1))


def model_of(text: str) -> str | None:
    """The model that a player's text names, a seat network as "seat:NAME"; None for players without one."""
    kind, _, rest = text.strip().partition(":")
    if kind == "seat":
        return f"{_SEAT}{rest.strip()}"
    if kind in ("rollout", "weighted"):
        named = [part.partition("=")[2].strip() for part in rest.split(",") if part.strip().startswith("model=")]
        return _SEAT + (named[0] if named else "champion")
    return rest.partition(",")[0] if kind == "model" else None


def seat_of(model: str) -> str | None:
    """The seat network that an answer of `model_of` names; None for models that value open hands."""
    return model[len(_SEAT) :] if model.startswith(_SEAT) else None


def settings_of(text: str, rest: str, kind: type[S]) -> S:
    """The settings that "worlds=50,objective=make" gives; InputError for one that cannot be meant."""
    values: dict[str, str | None] = {}
    for part in rest.split(",") if rest.strip() else ():
        name, equals, value = part.partition("=")
        if not equals:
            raise _wrong(text, f"{part!r} without a value", kind)
        values[name.strip()] = None if value.strip() == "none" else value.strip()
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(text, f"{'.'.join(map(str, first['loc']))}: {first['msg']}", kind) from error


def _wrong(text: str, what: str, kind: type[BaseModel]) -> InputError:
    return InputError.of(
        got=f"the player {text!r} ({what})",
        expected="settings as name=value with commas between: " + ", ".join(kind.model_fields),
        remedy="correct the player",
    )


def _random(text: str, rest: str, _: Means) -> AnyPlayer:
    return RandomPlayer(settings_of(text, rest, SimpleSettings).seed, text)


def _highest(text: str, rest: str, _: Means) -> AnyPlayer:
    return HighestPlayer(settings_of(text, rest, SimpleSettings).seed, text)


def _pimc(text: str, rest: str, means: Means) -> AnyPlayer:
    return exact_pimc(settings_of(text, rest, PimcSettings), text, means.threads)


def _model(text: str, rest: str, means: Means) -> AnyPlayer:
    name, settings = model_of(text), rest.partition(",")[2]
    if not name or means.oracle is None:
        raise InputError.of(
            got=f"the player {text!r}" + (" without a model's name" if not name else " where no models can be opened"),
            expected='a model, as in "model:champion" or "model:champion,worlds=50"',
            remedy="name a model of the catalog or a path",
        )
    return PimcPlayer(means.oracle(name), settings_of(text, settings, PimcSettings), text, means.threads)


def _cheat(_: str, __: str, means: Means) -> AnyPlayer:
    return CheatPlayer(means.threads)


def _level1(text: str, rest: str, means: Means) -> AnyPlayer:
    return Level1Player(settings_of(text, rest, Level1Settings), text, means.threads or os.cpu_count() or 1)


def _command(text: str, rest: str, means: Means) -> AnyPlayer:
    threads = means.threads or os.cpu_count() or 1
    return command_player(text, rest, threads=threads, seconds=means.seconds, memory=means.memory)


def _seat(text: str, _: str, means: Means) -> AnyPlayer:
    if means.seat is None:
        raise InputError.of(
            got=f"the player {text!r} where no seat networks can be opened",
            expected="a command or a flow that opens them",
            remedy="use `forge arena`, or give `Means` a way to make such players",
        )
    return means.seat(text, means.threads or os.cpu_count() or 1)


_MAKERS: Mapping[str, Callable[[str, str, Means], Any]] = {
    "random": _random,
    "highest": _highest,
    "pimc": _pimc,
    "model": _model,
    "seat": _seat,
    "rollout": _seat,
    "weighted": _seat,
    "cheat": _cheat,
    "level1": _level1,
    "command": _command,
}
PLAYER_FORMS = (
    "random",
    "highest",
    "pimc:worlds=50,objective=make",
    "model:NAME",
    "seat:NAME",
    "rollout:worlds=50",
    "weighted:worlds=500",
    "cheat",
    "level1",
    "command:PATH ARGS",
)
"""What the text of a player looks like, for messages and help."""
